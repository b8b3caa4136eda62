"""Rules run by copies of this process (meshlint.read.forked tells when that is safe): each takes the next piece of work from a
common pipe, and gives what it found with the order that one process would have found it in.

How a fix is made cannot travel. The copies wait for the findings whose fixes are wanted, make them and end; where a copy is gone,
the rule is run once more, here.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Final

import msgspec

from meshlint.check.sent import Found, Hung, Order, Sent, Shared, received, sent
from meshlint.model.problem import Finding, Fix, Repair
from meshlint.model.rule import Rule
from meshlint.model.tuples import NamedTuple
from meshlint.read.forked import processes

_NUMBER: Final = 4  # bytes
_EACH: Final = 16  # pieces for each process, so that none waits long for another
_CHUNK: Final = 1 << 20


class Piece(NamedTuple):
    """Objects of some environments: those from `start` to before `stop`, of each every `of`-th object from number `first` on."""

    start: int
    stop: int
    first: int = 0
    of: int = 1


def pieces(sizes: Sequence[int], count: int) -> list[Piece]:
    """Environments of these numbers of objects as pieces of work for `count` processes: some small ones together, large ones in parts."""
    least = sum(sizes) // (count * _EACH) + 1
    out: list[Piece] = []
    start = held = 0
    for number, size in enumerate(sizes):
        parts = min(size // least, count * _EACH)
        if parts > 1 or held + size > least:
            out += [Piece(start, number)] if number > start else []
            start, held = number, 0
        if parts > 1:
            out += [Piece(number, number + 1, first, parts) for first in range(parts)]
            start = number + 1
        else:
            held += size
    return [*out, Piece(start, len(sizes))] if start < len(sizes) else out


class Work(NamedTuple):
    """What the copies do. `check` runs the rules; `again` makes the fix of what was found at a place once more."""

    pieces: Sequence[Piece]
    check: Callable[[Piece], Sequence[Found]]
    again: Callable[[Order], Fix | None]
    rule: Callable[[str], Rule]
    broken: Callable[[], bool]
    hung: Callable[[], dict[int, Hung]]


class _Share(NamedTuple):
    pieces: list[int]
    found: list[Sent]
    broken: bool
    hung: dict[int, Hung]


class _Made(NamedTuple):
    """A fix, or what was raised instead."""

    fix: Fix | None
    error: tuple[str, str] | None


_encode = msgspec.msgpack.Encoder().encode
_decode_share = msgspec.msgpack.Decoder(_Share).decode
_decode_made = msgspec.msgpack.Decoder(list[_Made]).decode
_decode_orders = msgspec.msgpack.Decoder(list[Order]).decode


class _Distant:
    """Makes the fix of what a copy found, where the copy has not made it."""

    __slots__ = ("again", "copy", "order")

    def __init__(self, copy: int, order: Order, again: Callable[[Order], Fix | None]) -> None:
        self.copy = copy
        self.order = order
        self.again = again

    def __call__(self) -> Fix | None:
        return self.again(self.order)


class _Copy(NamedTuple):
    process: int
    results: int  # pipes
    orders: int


class Copies:
    """Copies of this process that share its work. Leaving the context ends them."""

    def __init__(self, count: int, fixes: bool) -> None:
        """`count`: processes, this one counted. `fixes`: they are kept until `with_fixes`."""
        self.count = count
        self._fixes = fixes
        self._running: list[_Copy] = []

    def __enter__(self) -> Copies:
        return self

    def run(self, work: Work) -> Shared:
        queue, filler = os.pipe()
        for number in range(len(work.pieces)):
            os.write(filler, number.to_bytes(_NUMBER, "big"))
        os.close(filler)
        sys.stdout.flush()
        sys.stderr.flush()
        for _ in range(self.count - 1):
            self._start(work, queue)
        left = set(range(len(work.pieces)))
        found: list[Found] = []
        for number in _taken(queue):
            found += work.check(work.pieces[number])
            left.discard(number)
        os.close(queue)
        broken = False
        distant: list[tuple[int, Hung]] = []
        for index, copy in enumerate(self._running):
            share = _share(copy)
            if share is not None:
                left.difference_update(share.pieces)
                found += [received(one, work.rule, _Distant(index, one.order, work.again)) for one in share.found]
                broken = broken or share.broken
                distant += share.hung.items()
        for number in sorted(left):  # of copies that failed
            found += work.check(work.pieces[number])
        if not self._fixes:
            self.close()
        hung = work.hung()
        for number, about in distant:
            hung[number] = about.also(hung.get(number, Hung()))
        return Shared(sorted(found, key=lambda pair: pair[0]), broken, hung)

    def _start(self, work: Work, queue: int) -> None:
        results, told = os.pipe()
        asked, orders = os.pipe()
        try:
            process = os.fork()
        except OSError:
            process = -1
        if process == 0:
            for other in (results, orders, *(pipe for copy in self._running for pipe in (copy.results, copy.orders))):
                os.close(other)
            _be_a_copy(work, queue, told, asked, self._fixes)
        os.close(told)
        os.close(asked)
        if process > 0:
            self._running.append(_Copy(process, results, orders))
        else:
            os.close(results)
            os.close(orders)

    def with_fixes(self, findings: Sequence[Finding]) -> list[Finding]:
        """The same findings; those fixes of them that copies can make, and our own meanwhile, are made."""
        wanted: list[list[Order]] = [[] for _ in self._running]
        own: list[Repair] = []
        for finding in findings:
            if isinstance(finding.repair, _Distant):
                wanted[finding.repair.copy].append(finding.repair.order)
            elif finding.repair is not None:
                own.append(finding.repair)
        for copy, orders in zip(self._running, wanted, strict=True):
            _tell(copy.orders, _framed(_encode(orders)))
        ready: dict[Repair, Repair] = {repair: _repair(_make(repair)) for repair in own}
        made: dict[Order, Repair] = {}
        for copy, orders in zip(self._running, wanted, strict=True):
            made.update((order, _repair(one)) for order, one in _made(copy, orders))
        self.close()
        out = []
        for finding in findings:
            repair = finding.repair
            if repair is not None:
                repair = made.get(repair.order, repair) if isinstance(repair, _Distant) else ready[repair]
            out.append(finding if repair is finding.repair else finding._replace(repair=repair))
        return out

    def close(self) -> None:
        for copy in self._running:
            os.close(copy.results)
            os.close(copy.orders)
            os.kill(copy.process, signal.SIGKILL)
            os.waitpid(copy.process, 0)
        self._running = []

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def run_here(work: Work) -> Shared:
    """All the work, by this process alone."""
    found = [one for piece in work.pieces for one in work.check(piece)]
    return Shared(sorted(found, key=lambda pair: pair[0]), work.broken(), work.hung())


def copies_for(jobs: int | None, fixes: bool) -> Copies | None:
    """As many processes as are wanted; None where only one is, or copies are not safe."""
    count = processes(jobs)
    return Copies(count, fixes) if count > 1 else None


def _taken(queue: int) -> Iterator[int]:
    """Numbers of pieces that nobody else has taken."""
    while len(number := os.read(queue, _NUMBER)) == _NUMBER:
        yield int.from_bytes(number, "big")


def _be_a_copy(work: Work, queue: int, told: int, asked: int, fixes: bool) -> None:
    """Do the work, write the results, make the fixes that are wanted, and end without what the original would do at its end."""
    code = 1
    try:
        pieces, found = [], list[Found]()
        for number in _taken(queue):
            found += work.check(work.pieces[number])
            pieces.append(number)
        _write(told, _framed(_encode(_Share(pieces, [sent(one, work.rule) for one in found], work.broken(), work.hung()))))
        if fixes:
            repairs = {order: finding.repair for order, finding in found}
            orders = _decode_orders(_frame(asked))
            _write(told, _framed(_encode([_make(repairs[order]) for order in orders])))
        code = 0
    finally:
        os._exit(code)


def _make(repair: Repair | None) -> _Made:
    try:
        return _Made(repair() if repair is not None else None, None)
    except Exception as error:
        return _Made(None, (type(error).__name__, str(error)))


def _repair(made: _Made) -> Repair:
    """A fix that is made already, where one is asked for that is not."""

    def again() -> Fix | None:
        if made.error is not None:
            raise type(made.error[0], (Exception,), {})(made.error[1])
        return made.fix

    return again


def _framed(content: bytes) -> bytes:
    return len(content).to_bytes(8, "big") + content


def _frame(pipe: int) -> bytes:
    """The next thing in a pipe. Raises EOFError."""
    return _exactly(pipe, int.from_bytes(_exactly(pipe, 8), "big"))


def _share(copy: _Copy) -> _Share | None:
    """The first thing that a copy says; None where it failed."""
    try:
        return _decode_share(_frame(copy.results))
    except (EOFError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _made(copy: _Copy, orders: Sequence[Order]) -> Iterator[tuple[Order, _Made]]:
    try:
        made = _decode_made(_frame(copy.results))
    except (EOFError, msgspec.MsgspecError, UnicodeDecodeError):
        return
    if len(made) == len(orders):
        yield from zip(orders, made, strict=True)


def _exactly(pipe: int, count: int) -> bytes:
    parts = []
    while count:
        part = os.read(pipe, min(count, _CHUNK))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _tell(pipe: int, content: bytes) -> None:
    """Say the last thing to a copy."""
    try:
        _write(pipe, content)
    except BrokenPipeError:
        return


def _write(pipe: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(pipe, view) :]
