"""SHA-256 as the interpreter brings it: hashlib would load all of OpenSSL, for longer than a small run takes to judge a file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Protocol


class Digest(Protocol):
    """What is digested so far (hashlib's objects)."""

    def update(self, content: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def _own() -> Callable[[bytes], Digest]:
    for module in ("_sha2", "_sha256"):  # since Python 3.12, and before it
        with suppress(ImportError):
            return import_module(module).sha256  # type: ignore[no-any-return]
    from hashlib import sha256  # where an interpreter was built without its own

    return sha256


sha256 = _own()
