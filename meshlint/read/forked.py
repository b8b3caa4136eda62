"""Work shared with copies of this process, where that is safe: no other thread runs and nothing is asked of the copies
but their results. A copy that fails is no failure: its share is done here."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final

Work = Callable[[str], tuple[bytes, bytes]]
Result = tuple[str, "tuple[bytes, memoryview] | None"]
MOST: Final = 8
_CHUNK: Final = 1 << 20


def processes(wanted: int | None) -> int:
    """How many processes may share work: one where copies of this one are not safe."""
    if not hasattr(os, "fork") or sys.platform == "darwin" or _threads():
        return 1
    if wanted is not None:
        return max(1, min(wanted, MOST * 8))
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, MOST)


def _threads() -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


def shares(paths: Sequence[str], sizes: Mapping[str, int], count: int) -> list[list[str]]:
    """Paths, the largest first, in `count` shares of about the same bytes."""
    out: list[list[str]] = [[] for _ in range(max(count, 1))]
    loads = [0] * len(out)
    for path in paths:
        least = loads.index(min(loads))
        out[least].append(path)
        loads[least] += sizes.get(path, 0) + 500  # a file costs something by itself
    return [share for index, share in enumerate(out) if share or not index]


class Workers:
    """Copies of this process, one for each share. Leaving the context ends them."""

    def __init__(self, shared: Sequence[Sequence[str]], work: Work) -> None:
        self._shared = shared
        self._work = work
        self._running: list[tuple[int, int, Sequence[str]]] = []  # process, pipe, share

    def __enter__(self) -> Workers:
        sys.stdout.flush()
        sys.stderr.flush()
        for share in self._shared:
            self._start(share)
        return self

    def _start(self, share: Sequence[str]) -> None:
        reader, writer = os.pipe()
        try:
            process = os.fork()
        except OSError:
            process = -1
        if process == 0:
            for other in (reader, *(pipe for _, pipe, _ in self._running)):  # with these it would write for ever to nobody
                os.close(other)
            _be_a_copy(share, self._work, writer)
        os.close(writer)
        self._running.append((process, reader, share))

    def results(self) -> Iterator[Result]:
        """What the copies made of each path; None for paths of a copy that failed."""
        while self._running:
            process, reader, share = self._running[0]
            content = _drained(reader)
            self._running.pop(0)
            os.close(reader)
            whole = process > 0 and os.waitpid(process, 0)[1] == 0
            yield from _results(content if whole else b"", share)

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for process, reader, _ in self._running:
            os.close(reader)
            if process > 0:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
        self._running = []


def _be_a_copy(share: Sequence[str], work: Work, writer: int) -> None:
    """Do the work, write the results, and end without anything that the original would do at its end."""
    code = 1
    try:
        import msgspec

        content = msgspec.msgpack.Encoder().encode([work(path) for path in share])
        with open(writer, "wb", 0) as pipe:
            view = memoryview(content)
            while view:
                view = view[pipe.write(view) or 0 :]
        code = 0
    finally:
        os._exit(code)


def _drained(reader: int) -> bytes:
    parts = []
    while part := os.read(reader, _CHUNK):
        parts.append(part)
    return b"".join(parts)


def _results(content: bytes, share: Sequence[str]) -> Iterator[Result]:
    import msgspec

    found: Sequence[Any] = ()
    if content:
        try:
            found = msgspec.msgpack.Decoder(list[tuple[bytes, memoryview]]).decode(content)
        except msgspec.MsgspecError:
            found = ()
    results = found if len(found) == len(share) else [None] * len(share)
    yield from zip(share, results, strict=True)
