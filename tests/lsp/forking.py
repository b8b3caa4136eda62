"""Language servers for tests, forked from a process that has imported all that they need: importing takes longer than most tests.

Each is a process of its own, as the entry point makes it. That it also starts from nothing, test_process.py and test_neovim.py see.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ARGUMENTS = ["lsp", "--no-cache", "--render", "never"]
# what an editor starts: it hands its streams over, and ends as the server does
_ASK = """
import socket, sys
asking = socket.socket(socket.AF_UNIX)
asking.connect(sys.argv[1])
socket.send_fds(asking, [b"x"], [0, 1, 2])
sys.exit(asking.recv(1)[0])
"""

_held: list[subprocess.Popen[bytes]] = []


@cache
def command() -> list[str]:
    """What starts a server. The process that it is forked from is no child of this one, and ends with it: nobody else can write to it."""
    place = os.path.join(tempfile.mkdtemp(), "socket")
    given = {**os.environ, "PYTHONPATH": str(ROOT)}
    forks = subprocess.Popen([sys.executable, "-m", __name__, place], cwd=ROOT, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert forks.stdout is not None and forks.stdout.readline() == b"ready\n"
    forks.wait()
    _held.append(forks)
    return [sys.executable, "-I", "-S", "-c", _ASK, place]


def main(place: str) -> None:
    """Fork a server for each that connects, until nobody is left who could."""
    import meshlint.cli
    import meshlint.lsp.handlers
    import meshlint.lsp.server
    import meshlint.lsp.start  # noqa: F401

    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        print("ready", flush=True)
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            asking, _ = listening.accept()
            with asking:
                if os.fork() == 0:
                    _tell_the_end(asking)
    os.unlink(place)
    os.rmdir(os.path.dirname(place))


def _tell_the_end(asking: socket.socket) -> None:
    """The exit code of a server goes to who asked for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(asking, 1, 3)
    if (server := os.fork()) == 0:
        _serve(streams)
    code = os.waitstatus_to_exitcode(os.waitpid(server, 0)[1])
    asking.send(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def _serve(streams: list[int]) -> None:
    from meshlint.__main__ import main as meshlint

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.argv = ["meshlint", *ARGUMENTS]
    meshlint()


if __name__ == "__main__":
    main(sys.argv[1])
