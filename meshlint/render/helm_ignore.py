"""What Helm leaves out of a chart: .helmignore, whose patterns are not those of git (helm: internal/ignore)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Union

from meshlint.model.file_names import HELM_IGNORE
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.tuples import NamedTuple
from meshlint.render.tree import Tree, base, joined

_DEFAULT = "templates/.?*"
_MOST = 200  # rules
_PART = lazy_regex(r"\\.|\[\^?(?:\\.|[^\]\\])+\]|.", re.DOTALL)
_NONE = re.compile("(?!)")
_Tokens = tuple[Union[re.Pattern[str], None], ...]


class _Rule(NamedTuple):
    """`steps` of the path, or the name alone, as tokens. `out`: what does not match is left out."""

    steps: tuple[_Tokens, ...]
    whole: bool
    folders: bool
    out: bool

    def leaves_out(self, path: str, is_folder: bool) -> bool:
        fits = is_folder or not self.folders
        return (fits and self._matches(path.split("/") if self.whole else [base(path)])) != self.out

    def _matches(self, names: Sequence[str]) -> bool:
        return len(names) == len(self.steps) and all(_fits(tokens, name) for tokens, name in zip(self.steps, names, strict=True))


def left_out(tree: Tree, chart: str) -> Callable[[str], bool]:
    """Tells which files of a chart Helm never sees, by their paths in the repository."""
    file = tree.files.get(joined(chart, HELM_IGNORE))
    text = file.source.text if file is not None and file.source is not None else ""
    rules = [*_rules([*text.splitlines()[:_MOST], _DEFAULT])]
    start = len(joined(chart, "x")) - 1

    def ignored(path: str) -> bool:
        steps = path[start:].split("/")
        ways = ("/".join(steps[: count + 1]) for count in range(len(steps)))
        return any(rule.leaves_out(way, count + 1 < len(steps)) for count, way in enumerate(ways) for rule in rules)

    return ignored


def _rules(lines: Sequence[str]) -> Iterator[_Rule]:
    for line in lines:
        rule = line.strip()
        if not rule or rule.startswith("#") or "**" in rule:  # which Helm refuses
            continue
        out = rule.startswith("!")
        rule = rule[out:]
        folders = rule.endswith("/")
        rule = rule.removesuffix("/")
        steps = tuple(_tokens(step) for step in rule.removeprefix("/").split("/"))
        yield _Rule(steps, "/" in rule, folders, out)


def _tokens(step: str) -> _Tokens:
    """What Go's filepath.Match reads: characters, sets of them, None for any number of them."""
    return tuple(None if part == "*" else _of_one(part) for part in _PART.findall(step))


def _of_one(part: str) -> re.Pattern[str]:
    if part == "?":
        return re.compile(".", re.DOTALL)
    try:
        return re.compile(part if len(part) > 1 and part[0] == "[" else re.escape(part[-1]))
    except re.error:
        return re.compile("(?!)")


def _fits(tokens: _Tokens, name: str) -> bool:
    """Only the last * is tried anew, so that no pattern takes long."""
    at = token = mark = 0
    star = -1
    while at < len(name):
        one = tokens[token] if token < len(tokens) else _NONE
        if one is None:
            star, mark = token, at
            token += 1
        elif one.fullmatch(name, at, at + 1):
            at, token = at + 1, token + 1
        elif star >= 0:
            mark += 1
            at, token = mark, star + 1
        else:
            return False
    return all(one is None for one in tokens[token:])
