"""Child processes with limits: no network, an empty environment, own process group, bounded time, memory and output."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import IO

from meshlint.model.tuples import NamedTuple
from meshlint.render.run.limits import Limits
from meshlint.render.run.tools import trusted

_CLOSED = "http://127.0.0.1:9"  # the discard port, where nobody listens
_CHUNK = 1 << 16
_MOST_ERROR = 1 << 16  # bytes of what a child complains, the rest is thrown away
_TICK = 0.05  # seconds
_SHELL = "/bin/sh"
_LIMITED = '{ ulimit -c 0; ulimit -t "$1"; [ "$2" = 0 ] || ulimit -v "$2"; ulimit -f "$3"; } 2>/dev/null; shift 3; exec "$@"'


class Job(NamedTuple):
    """A command with absolute paths; `folder` is its working directory, `home` a folder of its own for everything else."""

    command: tuple[str, ...]
    folder: str
    home: str


class Done(NamedTuple):
    """`stopped` says why it was stopped from here, None where it ended by itself with `code` (negative: by a signal)."""

    code: int
    out: bytes
    error: bytes
    stopped: str | None = None

    @property
    def fine(self) -> bool:
        return self.stopped is None and self.code == 0


class _Running:
    """One child. Its output is taken as it comes, so that it never has to wait."""

    def __init__(self, number: int, job: Job, limits: Limits) -> None:
        self.number = number
        self.limits = limits
        self.out = bytearray()
        self.error = bytearray()
        self.stopped: str | None = None
        self.ends = time.monotonic() + limits.seconds
        self.process = subprocess.Popen(
            _wrapped(job.command, limits), cwd=job.folder, env=environment(job.home), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, bufsize=0,
        )  # fmt: skip

    def pipes(self) -> tuple[tuple[IO[bytes], bytearray], ...]:
        assert self.process.stdout is not None and self.process.stderr is not None
        return (self.process.stdout, self.out), (self.process.stderr, self.error)

    def take(self, into: bytearray, chunk: bytes) -> None:
        if into is self.error:
            into += chunk[: _MOST_ERROR - len(into)]
        elif len(into) + len(chunk) > self.limits.output:
            self.stop(f"wrote more than {self.limits.output >> 20} MB")
        else:
            into += chunk

    def stop(self, why: str) -> None:
        self.stopped = self.stopped or why
        _kill(self.process)

    def done(self) -> Done:
        for pipe, _ in self.pipes():
            pipe.close()
        code = self.process.wait()
        _kill_group(self.process.pid)
        return Done(code, bytes(self.out), bytes(self.error), self.stopped)


def run_all(jobs: Sequence[Callable[[], Job]], limits: Limits, at_once: int) -> Iterator[tuple[int, Done]]:
    """Run the jobs, so many at a time, each made ready when its turn comes, and give each one's number and end as it comes.
    No child is left behind."""
    waiting = list(enumerate(jobs))[::-1]
    running: dict[int, _Running] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while waiting and len(running) < max(1, at_once):
                    number, job = waiting.pop()
                    try:
                        child = running[number] = _Running(number, job(), limits)
                    except OSError as error:
                        yield number, Done(-1, b"", b"", f"cannot be run: {(error.strerror or 'failed').lower()}")
                        continue
                    for pipe, into in child.pipes():
                        selector.register(pipe, selectors.EVENT_READ, (child, into))
                _read(selector)
                yield from _ended(running, selector)
        finally:
            for child in running.values():
                child.stop("was interrupted")
                child.done()


def _read(selector: selectors.BaseSelector) -> None:
    for key, _ in selector.select(_TICK):
        child, into = key.data
        chunk = os.read(key.fd, _CHUNK)
        if chunk:
            child.take(into, chunk)
        else:
            selector.unregister(key.fileobj)


def _ended(running: dict[int, _Running], selector: selectors.BaseSelector) -> Iterator[tuple[int, Done]]:
    """Children that closed their output or were stopped; whoever holds the pipes open is stopped in time."""
    open_pipes = {key.data[0].number for key in selector.get_map().values()}
    for number, child in list(running.items()):
        if number in open_pipes and child.stopped is None:
            if time.monotonic() > child.ends:
                child.stop(f"took longer than {child.limits.seconds:g} seconds")
            else:
                continue
        elif number not in open_pipes and child.process.poll() is None and time.monotonic() <= child.ends:
            continue
        elif child.process.poll() is None:
            child.stop(f"took longer than {child.limits.seconds:g} seconds")
        for pipe, _ in child.pipes():
            with suppress(KeyError):
                selector.unregister(pipe)
        del running[number]
        yield number, child.done()


def _kill(process: subprocess.Popen[bytes]) -> None:
    _kill_group(process.pid)
    with suppress(OSError):
        process.kill()


def _kill_group(group: int) -> None:
    """And whatever it has started."""
    with suppress(OSError, AttributeError):
        os.killpg(group, signal.SIGKILL)


def _wrapped(command: Sequence[str], limits: Limits) -> list[str]:
    """The command under the limits of the system, where there is a shell to set them."""
    if not os.path.isfile(_SHELL):
        return [*command]
    figures = (str(limits.cpu), str(limits.memory >> 10), str(limits.output // 512))
    return [_SHELL, "-c", _LIMITED, "sh", *figures, *isolated(), *command]


@lru_cache(1)
def isolated() -> tuple[str, ...]:
    """What takes the network away from a command, where the system allows it to us. What a child sees names no address anyway."""
    program = trusted("unshare")
    if program is None:
        return ()
    words = (program, "--map-root-user", "--net", "--")
    try:
        done = subprocess.run([*words, program, "--version"], env={"LC_ALL": "C"}, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return words if done.returncode == 0 else ()


def environment(home: str) -> dict[str, str]:
    """Nothing of the caller's. There is no program on the PATH that a child could start, and the proxies lead nowhere."""
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), _CLOSED)
    helm = {f"HELM_{name}": os.path.join(home, name.lower()) for name in ("CACHE_HOME", "CONFIG_HOME", "DATA_HOME", "PLUGINS")}
    files = {f"HELM_{name}": os.path.join(home, name.lower()) for name in ("REPOSITORY_CONFIG", "REGISTRY_CONFIG", "REPOSITORY_CACHE")}
    xdg = {f"XDG_{name}_HOME": os.path.join(home, name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
    return {
        "PATH": os.path.join(home, "bin"), "HOME": home, "TMPDIR": home, "KUBECONFIG": os.devnull, "LC_ALL": "C", "TZ": "UTC",
        "NO_PROXY": "", "no_proxy": "", "GOMAXPROCS": "2", "GOTRACEBACK": "none", "HELM_NO_PLUGINS": "1", **proxies, **helm, **files, **xdg,
    }  # fmt: skip
