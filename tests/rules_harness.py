"""Small repositories that say themselves what is found in them.

`# expect: ML101` at the end of a line is a finding of that line (several by comma); alone on a line it means the next line.
`ML101=warning` checks the severity too. Files that take no comments: `path:line ML101` in the case's `expect.txt`.
`args.txt` holds further options. All rules run, and every finding must be expected.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any, NamedTuple

from meshlint.model.rule import Rule
from tests.door import lint

CASES = Path(__file__).parent / "rules"
_EXPECT = re.compile(r"#\s*expect:\s*(?P<rules>ML\d+(?:=\w+)?(?:\s*,\s*ML\d+(?:=\w+)?)*)\s*$")
_ARGUMENTS = re.compile(r"^#\s*args:\s*(.+)$", re.MULTILINE)
_EXAMPLE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_APART = ("expect.txt", "args.txt", "fixed")


class Expected(NamedTuple):
    """A finding that a case announces; an empty severity accepts any."""

    file: str
    line: int
    rule: str
    severity: str


class Case(NamedTuple):
    """One folder under tests/rules/<rule>/."""

    folder: Path

    @property
    def rule(self) -> str:
        return self.folder.parent.name

    @property
    def id(self) -> str:
        return f"{self.rule}/{self.folder.name}"

    @property
    def arguments(self) -> list[str]:
        file = self.folder / "args.txt"
        return shlex.split(file.read_text(encoding="utf-8")) if file.exists() else []

    def copy(self, to: Path) -> Path:
        """The case as a repository of its own, so that no configuration above it counts."""
        return Path(shutil.copytree(self.folder, to / "repository", ignore=lambda folder, names: self._apart(folder, names)))

    def _apart(self, folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder) == self.folder and name in _APART]

    def expected(self) -> list[Expected]:
        return expected_in(self.folder)


def cases() -> list[Case]:
    return [Case(path) for path in sorted(CASES.glob("*/*")) if path.is_dir()]


def expected_in(folder: Path) -> list[Expected]:
    out: list[Expected] = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and inside.parts[0] not in _APART:
            out += expected_of(path.read_bytes().decode("utf-8", "replace"), inside.as_posix())
    listed = folder / "expect.txt"
    if listed.exists():
        out += [row for line in listed.read_text(encoding="utf-8").splitlines() if line.strip() for row in _listed(line)]
    return sorted(out)


def expected_of(text: str, file: str) -> list[Expected]:
    out = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if match := _EXPECT.search(line):
            alone = not line[: match.start()].strip()
            out += [_expected(file, number + alone, word) for word in match["rules"].split(",")]
    return out


def _listed(line: str) -> Iterator[Expected]:
    place, _, rules = line.strip().rpartition(" ")
    file, _, number = place.rpartition(":")
    for word in rules.split(","):
        yield _expected(file, int(number), word)


def _expected(file: str, line: int, word: str) -> Expected:
    rule, _, severity = word.strip().partition("=")
    return Expected(file, line, rule, severity)


def difference(expected: list[Expected], findings: list[dict[str, Any]]) -> str:
    """What was expected and is missing, and what was found and is not expected; empty if they agree."""
    left = list(findings)
    lines = []
    for one in expected:
        found = next((finding for finding in left if _fits(one, finding)), None)
        if found is None:
            lines.append(f"missing     {one.file}:{one.line} {one.rule} {one.severity}".rstrip())
        else:
            left.remove(found)
    lines += [f"unexpected  {f['file']}:{f['line']} {f['rule']} {f['severity']}: {f['message']}" for f in left]
    return "\n".join(lines)


def _fits(one: Expected, finding: dict[str, Any]) -> bool:
    here = (one.file, one.line, one.rule) == (finding["file"], finding["line"], finding["rule"])
    return here and one.severity in ("", finding["severity"])


def judge(folder: Path, expected: list[Expected], *arguments: str) -> str:
    run = lint(folder, *arguments)
    if not run.out.startswith("{"):
        return f"exit {run.code}, no report: {run.err}{run.out}"
    return difference(expected, run.findings)


def example_of(rule: Rule) -> str | None:
    """The documented example of a rule: the first YAML block of its documentation."""
    found = _EXAMPLE.search(cleandoc(rule.doc))
    return found[1] if found else None


def arguments_in(example: str) -> list[str]:
    """`# args: --target istio=1.27` in an example."""
    found = _ARGUMENTS.search(example)
    return shlex.split(found[1]) if found else []
