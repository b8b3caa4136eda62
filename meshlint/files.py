"""Files that meshlint writes, whole or not at all, and the folders above one."""

from __future__ import annotations

import os
from collections.abc import Iterator


def replace(path: str, content: bytes) -> None:
    """Give a file another content in one step. A link stays one, and so do the permissions. Raises OSError."""
    import tempfile

    real = os.path.realpath(path)
    handle, draft = tempfile.mkstemp(prefix=".meshlint-", dir=os.path.dirname(real))
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.chmod(draft, os.stat(real).st_mode & 0o7777 if os.path.exists(real) else 0o666 & ~_umask())
        os.replace(draft, real)
    except BaseException:
        os.unlink(draft)
        raise


def upwards(folder: str) -> Iterator[str]:
    """The folder and those above it, as far as its own path tells."""
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
