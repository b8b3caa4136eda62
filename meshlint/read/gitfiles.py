"""What git sees of a folder. git runs without hooks, monitors and prompts, in a clean environment and with a time limit."""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import TYPE_CHECKING, Any, Final

from meshlint.files import upwards
from meshlint.model.lazy_regex import lazy_regex
from meshlint.read.walk import Listing, shown, wanted

if TYPE_CHECKING:
    from subprocess import CompletedProcess

TIMEOUT: Final = 60  # seconds
_SETTINGS: Final = ("core.fsmonitor=false", "safe.bareRepository=explicit", "protocol.allow=never")
_KEPT: Final = ("PATH", "HOME", "XDG_CONFIG_HOME", "USERPROFILE", "SYSTEMROOT", "TEMP", "TMP")
_STAGED: Final = lazy_regex(r"([0-7]{6}) [0-9a-f]{40,64} [0-3]\t")
_CLOSED: Final = lazy_regex(r"^warning: could not open directory '(.+)/': Permission denied$", re.MULTILINE)
_LINK, _REPOSITORY = "120000", "160000"


class GitError(Exception):
    """git could not answer; the message says why."""


def in_work_tree(folder: str) -> bool:
    """Does the folder or one above it hold a .git?"""
    return any(os.path.lexists(os.path.join(above, ".git")) for above in upwards(folder))


def list_with_git(folder: str, root: str) -> Listing | None:
    """Manifests and links below `folder` that git tracks or does not ignore; None: git ignores the folder itself, or takes it for a
    submodule that is not checked out, and says nothing of what is in it.

    Raises GitError.
    """
    done = _run(folder, root, "ls-files", "-z", "-s", "-c", "-o", "--exclude-standard")
    answer = os.fsdecode(done.stdout)
    if answer.endswith("\t./\0"):
        return None
    closed = [os.path.relpath(os.path.join(folder, name), root) for name in _CLOSED.findall(os.fsdecode(done.stderr))]
    out = Listing([], [], [], [f"{shown(name)}: permission denied" for name in closed], {})
    for name in sorted(set(answer.split("\0"))):
        if name:
            _sort_in(name, folder, root, out)
    if not answer and _git_ignores(folder, root, "."):
        return None
    return out


def _sort_in(entry: str, folder: str, root: str, out: Listing) -> None:
    """Tracked files come with their mode, others by name alone, foreign repositories with a slash behind them."""
    staged = _STAGED.match(entry)
    mode, name = (staged[1], entry[staged.end() :]) if staged else ("", entry)
    path = os.path.join(folder, name.rstrip("/").replace("/", os.sep))
    if mode == _REPOSITORY or name.endswith("/"):
        if os.path.isdir(path) and not os.path.islink(path):
            out.folders.append(path)
            if mode and _is_empty(path):
                out.notes.append(f"{shown(os.path.relpath(path, root))}: a submodule that is not checked out is not read")
    elif mode in ("", _LINK) or wanted(name):
        kind, about = _looked_at(path)
        if kind == stat.S_IFLNK:
            out.links.append(path)
        elif kind == stat.S_IFREG and wanted(name):
            out.files.append(path)
            if about is not None:
                out.stats[path] = about


def _is_empty(folder: str) -> bool:
    try:
        return not os.listdir(folder)
    except OSError:
        return False


def _looked_at(path: str) -> tuple[int, os.stat_result | None]:
    """The kind of a file, and all that is known of it. In a folder that keeps us out one is taken for regular: reading it will tell."""
    try:
        about = os.lstat(path)
    except OSError as error:
        return stat.S_IFREG if error.errno == errno.EACCES else 0, None
    return stat.S_IFMT(about.st_mode), about


def git_ignores(path: str, root: str) -> bool:
    """Does git ignore this file, and not track it? Raises GitError."""
    return _git_ignores(os.path.dirname(path), root, os.path.basename(path))


def _git_ignores(folder: str, root: str, name: str) -> bool:
    return _run(folder, root, "check-ignore", "-q", "--", name, fine=(0, 1)).returncode == 0


def run_git(folder: str, root: str, *arguments: str, fine: tuple[int, ...] = (0,), told: bytes | None = None) -> tuple[int, bytes]:
    """Exit code and output of git in a folder of the repository under test, which is `root`. `told` is its input.

    Nothing that the repository configures runs a program or reaches the network. Raises GitError.
    """
    done = _run(folder, root, *arguments, fine=fine, told=told)
    return done.returncode, done.stdout


def _run(folder: str, root: str, *arguments: str, fine: tuple[int, ...] = (0,), told: bytes | None = None) -> CompletedProcess[bytes]:
    import subprocess

    program = _program(root)
    if program is None:
        raise GitError("git is not on the PATH")
    options = [word for setting in (*_SETTINGS, f"core.hooksPath={os.devnull}") for word in ("-c", setting)]
    given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if told is None else {"input": told}
    try:
        done = subprocess.run(
            [program, *options, *arguments], cwd=folder, env=_environment(), capture_output=True, timeout=TIMEOUT, check=False, **given
        )
    except subprocess.TimeoutExpired:
        raise GitError(f"git took longer than {TIMEOUT} seconds") from None
    except OSError as error:
        raise GitError(f"git cannot be run: {(error.strerror or 'failed').lower()}") from None
    if done.returncode not in fine:
        lines = os.fsdecode(done.stderr).strip().splitlines()
        raise GitError(lines[0] if lines else f"git ended with code {done.returncode}")
    return done


def _program(root: str) -> str | None:
    """git from the PATH, never from a relative entry or from the folder under test."""
    from shutil import which

    inside = os.path.join(root, "")
    folders = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if os.path.isabs(entry)]
    trusted = [entry for entry in folders if not os.path.join(os.path.realpath(entry), "").startswith(inside)]
    found = which("git", path=os.pathsep.join(trusted)) if trusted else None
    return found if found and os.path.isabs(found) and not os.path.realpath(found).startswith(inside) else None


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
