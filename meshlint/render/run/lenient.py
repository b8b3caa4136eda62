"""What kustomize refuses only because something is not here: patches of objects that it lacks, values taken from such ones.

A patch with a target that nothing matches does nothing, so each patch gets one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from meshlint.model.position import Source
from meshlint.read.file import read_content, tables_of
from meshlint.render.run.plain import plain

_GENERATED = {"configMapGenerator": b"ConfigMap", "secretGenerator": b"Secret"}
Read = Callable[[str], "bytes | None"]  # the copy that a kustomization names


def lenient(data: dict[str, Any], read: Read, empty: Collection[str]) -> None:
    """Change a kustomization. `empty`: the names of generated objects whose values are not known."""
    patches = [{"patch" if _inline(text) else "path": text} for text in data.pop("patchesStrategicMerge", ())]
    patches += [*data.get("patches", ()), *data.pop("patchesJson6902", ())]
    if patches:
        data["patches"] = [new for entry in patches for new in _targeted(entry, read)]
    if "replacements" in data:
        written = [inner for entry in data["replacements"] for inner in _written(entry, read)]
        data["replacements"] = [entry for entry in written if _name(entry) not in empty]


def unmerged(levels: Collection[dict[str, Any]], contents: Iterable[bytes]) -> None:
    """Let generators make what they would merge into something that is not here. `levels`: the kustomizations, `contents`: the
    files that they name."""
    held = [*contents]
    for field, kind in _GENERATED.items():
        entries: dict[str, list[dict[str, Any]]] = {}
        for entry in (entry for data in levels for entry in data.get(field) or () if isinstance(entry, dict)):
            entries.setdefault(str(entry.get("name")), []).append(entry)
        for name, alike in entries.items():
            if len(alike) == 1 and "behavior" in alike[0] and not any(kind in text and name.encode() in text for text in held):
                alike[0]["behavior"] = "create"


def _inline(text: str) -> bool:
    return "\n" in text or text.lstrip().startswith("{")


def _written(entry: dict[str, Any], read: Read) -> list[dict[str, Any]]:
    """The replacements of a file in its place: one, or a list."""
    content = read(entry["path"]) if isinstance(entry.get("path"), str) else None
    tables = tables_of(Source("replacements.yaml", content.decode("utf-8", "replace"))) if content is not None else []
    found = [made for table in tables for made in _list(plain(table.root)) if isinstance(made, dict)]
    return found or [entry]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(entry: dict[str, Any]) -> object:
    source = entry.get("source")
    return source.get("name") if isinstance(source, dict) else None


def _targeted(entry: dict[str, Any], read: Read) -> list[dict[str, Any]]:
    """A patch as one for each object that it names; as it is where it has a target, or names none."""
    text, path = entry.get("patch"), entry.get("path")
    content = text.encode("utf-8", "replace") if isinstance(text, str) else read(path) if isinstance(path, str) else None
    if "target" in entry or content is None:
        return [entry]
    rest = {key: value for key, value in entry.items() if key not in ("path", "patch")}
    out = []
    for document in read_content(content, "patch.yaml", parse_all=True).documents:
        made = plain(document.root)
        target = _target(made) if isinstance(made, dict) else None
        if target is None:
            return [entry]
        out.append({**rest, "target": target, "patch": json.dumps(made, ensure_ascii=False)})
    return out or [entry]


def _target(patch: dict[str, Any]) -> dict[str, str] | None:
    metadata, kind = patch.get("metadata"), patch.get("kind")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(kind, str) or not isinstance(name, str):
        return None
    group, _, version = str(patch.get("apiVersion", "")).rpartition("/")
    target = {"group": group, "version": version, "kind": kind, "name": re.escape(name)}
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    return {**target, "namespace": re.escape(namespace)} if isinstance(namespace, str) else target
