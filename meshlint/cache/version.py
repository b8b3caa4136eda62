"""What an entry depends on besides the file: the code that read it."""

from __future__ import annotations

import os
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
