"""What an entry depends on besides the file: the code that read it."""

from __future__ import annotations

import os
import sys
from typing import Final

import yaml

_READERS: Final = ("read", "model", "cache")


def reader_version() -> str:
    """Sizes and times of the modules that read, and the parser: what was kept by others is read again."""
    import xxhash

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    said = [yaml.__version__, str(getattr(yaml, "__with_libyaml__", False))]
    for layer in _READERS:
        with os.scandir(os.path.join(here, layer)) as found:
            modules = sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in found if entry.name.endswith(".py"))
        said += [f"{layer}/{name} {size} {time}" for name, size, time in modules]
    return str(xxhash.xxh3_128_hexdigest("\n".join(said).encode("utf-8", "surrogateescape")))


def code_version(*folders: str) -> bytes:
    """Sizes and times of all modules of meshlint and of everything in the given folders, and the versions that they stand on."""
    from meshlint import __version__

    said = [__version__, yaml.__version__, sys.version]
    waiting = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), *folders]
    while waiting:
        folder = waiting.pop()
        with os.scandir(folder) as found:
            for entry in sorted(found, key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False):
                    waiting += [] if entry.name in ("__pycache__", "_bundled") else [entry.path]
                else:
                    about = entry.stat()
                    said.append(f"{entry.path} {about.st_size} {about.st_mtime_ns}")
    return "\n".join(said).encode("utf-8", "surrogateescape")
