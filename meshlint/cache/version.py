"""What an entry depends on besides the file: the code that read or judged it. Contents tell it, so that a cache is of use where
meshlint is installed anew for each run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import Final

import xxhash
import yaml

from meshlint.bundled import folder as bundled_folder

_READERS: Final = ("read", "model", "cache")


@cache
def reader_version() -> str:
    """The modules that read, and the parser: what was kept by others is read again."""
    here = _package()
    said = [yaml.__version__, str(getattr(yaml, "__with_libyaml__", False))]
    return str(_digest(said, *(os.path.join(here, layer) for layer in _READERS)).hexdigest())


@cache
def code_version(*folders: str) -> bytes:
    """All modules of meshlint, everything in the given folders, and the versions that they stand on."""
    from meshlint import __version__

    return bytes(_digest([__version__, yaml.__version__, sys.version], _package(), *folders).digest())


def judging_version() -> bytes:
    """All that judges: the code, the rules and the tables that travel with it."""
    return code_version(bundled_folder("rules"), bundled_folder("schemas"))


def _package() -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _digest(said: list[str], *folders: str) -> xxhash.xxh3_128:
    seen = xxhash.xxh3_128("\n".join(said).encode())
    for folder in folders:
        for path in _files(folder):
            with open(path, "rb", 0) as file:
                content = file.read()
            seen.update(f"\n{os.path.relpath(path, folder)} {len(content)}\n".encode("utf-8", "surrogateescape"))
            seen.update(content)
    return seen


def _files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as found:
        for entry in sorted(found, key=lambda entry: entry.name):
            if entry.is_file():
                yield entry.path
            elif entry.is_dir(follow_symlinks=False) and entry.name not in ("__pycache__", "_bundled"):
                yield from _files(entry.path)
