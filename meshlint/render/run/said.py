"""What a child said when it failed, as users are told: its first line, with the paths of the repository."""

from __future__ import annotations

import re
import signal

from meshlint.render.run.child import Done

_LONGEST = 400


def message_of(done: Done, folder: str) -> str:
    """`folder`: where the copies lay, which nobody else knows."""
    if done.stopped is not None:
        return done.stopped
    if done.code < 0:
        return f"was killed ({_name(-done.code)})"
    text = done.error.decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("# Warning")]
    wanted = [line for line in lines if line.lower().startswith(("error", "fatal"))] or lines
    if not wanted:
        return f"ended with code {done.code}"
    said = wanted[0]
    if said.endswith(" err=<") and (more := lines[lines.index(said) + 1 :]):  # of kubectl, where it has several lines
        said = more[0]
    if said.endswith(" with config: `") and (more := [line for line in lines if line.startswith("`: ")]):
        said = f"{said.removesuffix(' with config: `')}: {more[0][3:]}"
    if said.endswith(":") and (more := lines[lines.index(said) + 1 :]):
        said = f"{said} {more[0]}"
    return shortened(_cause(_unquoted(_PREFIX.sub("", cleaned(said, folder)))))


def _unquoted(text: str) -> str:
    """As some versions of kubectl write it: in quotes, with those inside escaped."""
    if not _QUOTED(text):
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1])


_QUOTED = re.compile(r'"(?:[^"\\]|\\["\\])*"').fullmatch
_PREFIX = re.compile(r"^(?:error|fatal error):\s*|^E\d{4} \S+ +\d+ \S+\] \"command failed\" err=", re.IGNORECASE)
_NESTED = re.compile(r"^.*recursed accumulation of path '([^']*)': (?:accumulating (?:resources|components): )?(.*)$", re.DOTALL)


def _cause(text: str) -> str:
    """Kustomize tells of every folder on the way to what failed; the last one is enough."""
    nested = _NESTED.match(text)
    return f"{nested[1] or '.'}: {nested[2]}" if nested is not None else text


_ADDRESSES = re.compile(r" &\{(?:0x[0-9a-f]+ ?)+\}")


def cleaned(text: str, folder: str) -> str:
    """Without the temporary folder: what is left is the path in the repository. Places in memory are others each time."""
    text = re.sub(re.escape(folder) + r"/\d+/in/(?:repo|chart|root)/?", "", text)
    text = _ADDRESSES.sub("", text)
    return re.sub(re.escape(folder) + r"[^\s'\":]*", "...", text)


def shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
