"""What Helm leaves out of a chart: .helmignore, whose patterns are not those of git (helm: internal/ignore)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from meshlint.model.file_names import HELM_IGNORE
from meshlint.model.tuples import NamedTuple
from meshlint.render.tree import Tree, base, joined

_DEFAULT = "templates/.?*"


class _Rule(NamedTuple):
    """`whole`: it is held against the path inside of the chart, else against the name. `out`: what does not match is left out."""

    pattern: re.Pattern[str]
    whole: bool
    folders: bool
    out: bool

    def leaves_out(self, path: str, is_folder: bool) -> bool:
        fits = is_folder or not self.folders
        matches = fits and self.pattern.fullmatch(path if self.whole else base(path)) is not None
        return matches != self.out


def left_out(tree: Tree, chart: str) -> Callable[[str], bool]:
    """Tells which files of a chart Helm never sees, by their paths in the repository."""
    file = tree.files.get(joined(chart, HELM_IGNORE))
    text = file.source.text if file is not None and file.source is not None else ""
    rules = [*_rules([*text.splitlines(), _DEFAULT])]
    start = len(joined(chart, "x")) - 1

    def ignored(path: str) -> bool:
        steps = path[start:].split("/")
        ways = ("/".join(steps[: count + 1]) for count in range(len(steps)))
        return any(rule.leaves_out(way, count + 1 < len(steps)) for count, way in enumerate(ways) for rule in rules)

    return ignored


def _rules(lines: list[str]) -> Iterator[_Rule]:
    for line in lines:
        rule = line.strip()
        if not rule or rule.startswith("#") or "**" in rule:  # which Helm refuses
            continue
        out = rule.startswith("!")
        rule = rule[out:]
        folders = rule.endswith("/")
        rule = rule.removesuffix("/")
        if (pattern := _pattern(rule.removeprefix("/"))) is not None:
            yield _Rule(pattern, "/" in rule, folders, out)


def _pattern(rule: str) -> re.Pattern[str] | None:
    """A pattern of Go's filepath.Match, of which * and ? stand for no slash."""
    marks = {"*": "[^/]*", "?": "[^/]"}
    parts = re.findall(r"\\.|\[\^?(?:\\.|[^\]\\])+\]|.", rule, re.DOTALL)
    made = [marks.get(part, part if part[0] == "[" and len(part) > 1 else re.escape(part[-1])) for part in parts]
    try:
        return re.compile("".join(made))
    except re.error:
        return None
