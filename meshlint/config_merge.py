"""One table out of a configuration and what it extends. The last word has the file that extends.

A key replaces the same key of the extended file; tables are merged entry by entry; lists of tables add up. Paths and patterns
count from the folder of the file that they stand in, so those of an extended file are rewritten for the extending one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from meshlint.config_file import PATH_KEYS, File, Table, strings


def merged(files: Sequence[File]) -> Table:
    """`files` as chain() gives them: the last one is the configuration itself."""
    out: Table = {}
    root = files[-1].folder
    for file in files:
        for key, value in table_of(file, root).items():
            if key != "extend":
                out[key] = _joined(out.get(key), value)
    return out


def table_of(file: File, root: str) -> Table:
    """The table of a file, with its paths and patterns as seen from the folder `root`."""
    return file.data if file.folder == root else _moved(file, root)


def _joined(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **new}
    if isinstance(old, list) and isinstance(new, list) and any(isinstance(item, dict) for item in (*old, *new)):
        return [*old, *new]
    return new


def _moved(file: File, root: str) -> Table:
    def path(written: str) -> str:
        return os.path.relpath(os.path.join(file.folder, written), root)

    out = dict(file.data)
    for key in PATH_KEYS:
        if key in out and (key, out[key]) != ("context", "none"):
            out[key] = path(out[key])
    if "output-format" in out:
        out["output-format"] = [_format(written, path) for written in strings(out["output-format"])]
    if "declared-rules" in out:
        out["declared-rules"] = [path(written) for written in out["declared-rules"]]
    if "exclude" in out:
        out["exclude"] = _patterns(out["exclude"], file.folder, root)
    for key, entries in out.items():
        if isinstance(entries, list) and entries and isinstance(entries[0], dict):
            out[key] = [_entry(key, entry, file.folder, root) for entry in entries]
    return out


def _entry(key: str, entry: Table, folder: str, root: str) -> Table:
    """An entry of a list of tables: an environment has paths, the others have patterns."""
    if "paths" not in entry:
        return entry
    if key == "environment":
        return {**entry, "paths": [os.path.relpath(os.path.join(folder, path), root) for path in entry["paths"]]}
    return {**entry, "paths": _patterns(entry["paths"], folder, root)}


def _patterns(patterns: Sequence[str], folder: str, root: str) -> list[str]:
    from meshlint.project import rebased

    return list(rebased(patterns, folder, root))


def _format(written: str, path: Any) -> str:
    name, equals, file = written.partition("=")
    return f"{name}={path(file)}" if equals else name
