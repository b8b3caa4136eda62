"""Changed files on disk: all of them or none, and only where nobody else has changed them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from meshlint.files import Draft
from meshlint.model.tuples import NamedTuple
from meshlint.read.decode import decode, encoding_of, read_bytes
from meshlint.read.errors import ReadError


class Change(NamedTuple):
    """A file of a project: its text before (None: there was none) and after. One that is left without any text is deleted."""

    path: str
    old: str | None
    new: str

    @property
    def deletes(self) -> bool:
        return self.old is not None and not self.new


class WriteError(Exception):
    """Why nothing was written."""


def mark_of(full: str) -> str:
    """The byte order mark of a file as text; of one that is not UTF-8, a WriteError."""
    mark, encoding = encoding_of(read_bytes(full))
    if encoding != "utf-8":
        raise WriteError("it is not UTF-8")
    return "\ufeff" if mark else ""


def writable(full: str) -> bool:
    """May the file, or one that is to be made there, be replaced?"""
    real = os.path.realpath(full)
    folder = os.path.dirname(real)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return os.access(folder, os.W_OK | os.X_OK) and (not os.path.exists(real) or os.access(real, os.W_OK))


def write(root: str, changes: Sequence[Change]) -> None:
    """Write all files. First they are laid down beside those that they replace, then each takes the place at once.
    Raises WriteError; nothing has changed then."""
    drafts: list[tuple[Change, Draft]] = []
    folders: list[str] = []
    done = 0
    try:
        for change in changes:
            full = os.path.join(root, *change.path.split("/"))
            folders += _made(os.path.dirname(full))
            drafts.append((change, Draft(full, _content(full, change), new=change.old is None, gone=change.deletes)))
        for change, draft in drafts:  # noqa: B007 - the loop's variable is read where it fails
            draft.put()
            done += 1
    except (OSError, ReadError, WriteError) as error:
        for _, draft in reversed(drafts[:done]):
            draft.undo()
        for _, draft in drafts[done:]:
            draft.drop()
        for folder in reversed(folders):
            os.rmdir(folder)
        said = (error.strerror or "failed").lower() if isinstance(error, OSError) else str(error)
        raise WriteError(f"{change.path} cannot be written: {said}") from None
    for _, draft in drafts:
        draft.drop()


def _content(full: str, change: Change) -> bytes:
    if change.old is None:
        return change.new.encode()
    old = read_bytes(full)
    mark, encoding = encoding_of(old)
    if decode(old) != change.old:
        raise WriteError("it has changed since it was read")
    return mark + change.new.encode(encoding)


def _made(folder: str) -> list[str]:
    """Make a folder and those above it; which ones were not there."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for one in reversed(missing):
        os.mkdir(one)
    return missing[::-1]
