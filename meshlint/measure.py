"""`--profile`: where the time of a run goes, by phase and by rule. Nothing is measured unless it is asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_MOST = 40  # rules that are told one by one


class Measure:
    """Phases of a run with their wall and CPU seconds, and rules with their seconds, calls and findings. What several rules need
    is worked out when the first of them asks, and counts as its time."""

    def __init__(self) -> None:
        self.phases: dict[str, tuple[float, float]] = {}
        self.rules: dict[str, tuple[float, int, int]] = {}  # by number and name

    def add_rule(self, name: str, seconds: float, findings: int) -> None:
        known, calls, found = self.rules.get(name, (0.0, 0, 0))
        self.rules[name] = (known + seconds, calls + 1, found + findings)

    def lines(self, wall: float, cpu: float) -> Iterator[str]:
        """What a user reads, and pastes into an issue. `wall`, `cpu`: seconds of the whole run."""
        from meshlint import __version__

        python = ".".join(map(str, sys.version_info[:3]))
        yield f"meshlint {__version__}, Python {python} on {sys.platform}, one process for the rules{_memory()}"
        yield f"{'phase':<14}{'wall s':>9}{'CPU s':>9}"
        phases = self.phases
        named = [sum(column) for column in zip(*phases.values(), strict=True)] or [0.0, 0.0]
        phases = {**phases, "other": (max(wall - named[0], 0.0), max(cpu - named[1], 0.0)), "all": (wall, cpu)}
        yield from (f"{name:<14}{seconds:>9.3f}{busy:>9.3f}" for name, (seconds, busy) in phases.items())
        yield f"{'rule':<52}{'CPU ms':>9}{'calls':>9}{'findings':>9}"
        ranked = sorted(self.rules.items(), key=lambda item: (-item[1][0], item[0]))
        for name, (seconds, calls, found) in ranked[:_MOST]:
            yield f"{name:<52}{seconds * 1000:>9.1f}{calls:>9}{found:>9}"
        if rest := [row for _, row in ranked[_MOST:]]:
            seconds, calls, found = map(sum, zip(*rest, strict=True))
            yield f"{f'{len(rest)} more rules':<52}{seconds * 1000:>9.1f}{calls:>9}{found:>9}"


_current: list[Measure] = []


def current() -> Measure | None:
    """What measures this run, if anything does."""
    return _current[-1] if _current else None


@contextmanager
def measured() -> Iterator[Measure]:
    """Measure what is done inside."""
    _current.append(Measure())
    try:
        yield _current[-1]
    finally:
        _current.pop()


@contextmanager
def phase(name: str) -> Iterator[None]:
    """A part of a run, which may come in several pieces."""
    measure = current()
    if measure is None:
        yield
        return
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        known, busy = measure.phases.get(name, (0.0, 0.0))
        measure.phases[name] = (known + time.perf_counter() - wall, busy + time.process_time() - cpu)


def _memory() -> str:
    """The most memory that the process has had, where the system tells."""
    try:
        import resource
    except ImportError:
        return ""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f", {most // (1 << 20 if sys.platform == 'darwin' else 1 << 10)} MB at most"
