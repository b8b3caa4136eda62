"""For authors of rules: small repositories that say themselves what is found in them. Needs no test framework.

`# expect: ACME101` at the end of a line is a finding of that line (several by comma); alone on a line it means the next line.
`ACME101=warning` checks the severity too. For files that take no comments: `path:line ACME101` in the case's `expect.txt`.
`args.txt` holds further options of meshlint. All rules run, and every finding must be expected. Nothing is rendered unless
`args.txt` says `--render auto`, so that results do not hang on the tools of a machine.

    from meshlint.testing import cases, check, check_example

    for case in cases(Path(__file__).parent / "cases"):  # cases/<rule>/<case>/
        check(case, "--plugin", "acme")
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from pathlib import Path
from typing import Any

from meshlint.__main__ import main
from meshlint.model.rule import Rule
from meshlint.model.tuples import NamedTuple

__all__ = [
    "Case", "Expected", "Run", "arguments_in", "call", "cases", "check", "check_example", "difference", "example_of",
    "examples_of", "expected_in", "expected_of", "judge", "lint",
]  # fmt: skip

_WORD = r"[A-Z]{2,10}\d{3,4}(?:=\w+)?"
_EXPECT = re.compile(rf"#\s*expect:\s*(?P<rules>{_WORD}(?:\s*,\s*{_WORD})*)\s*$")
_ARGUMENTS = re.compile(r"^#\s*args:\s*(.+)$", re.MULTILINE)
_EXAMPLE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_STATIC = ("--render", "never")
_APART = ("expect.txt", "args.txt", "fixed", "fixed-safe")


class Run(NamedTuple):
    """What a run of meshlint gave: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report (schemas/meshlint/report.v1.json)."""
        return dict(json.loads(self.out))

    @property
    def findings(self) -> list[dict[str, Any]]:
        return list(self.report["findings"])

    def places(self) -> set[tuple[str, int, str]]:
        """File, line and rule of each finding."""
        return {(finding["file"], finding["line"], finding["rule"]) for finding in self.findings}


class _Bytes(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined,no-any-return]


def call(*arguments: str, cwd: Path | None = None) -> Run:
    """meshlint with these arguments, in this process and in the folder `cwd`."""
    out, err = _Bytes(), _Bytes()
    before = os.getcwd()
    try:
        if cwd is not None:
            os.chdir(cwd)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(list(arguments))
            except SystemExit as stop:
                code = int(stop.code or 0)
    finally:
        os.chdir(before)
    return Run(code, out.text(), err.text())


def lint(folder: Path, *arguments: str) -> Run:
    """Lint a folder from inside it, as JSON."""
    return call("check", ".", "-o", "json", *arguments, cwd=folder)


class Expected(NamedTuple):
    """A finding that a case announces; an empty severity accepts any."""

    file: str
    line: int
    rule: str
    severity: str


class Case(NamedTuple):
    """A folder `<rule>/<case>`: a small repository with its expectations."""

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


def cases(folder: Path) -> list[Case]:
    """The cases below a folder: `<rule>/<case>/`."""
    return [Case(path) for path in sorted(folder.glob("*/*")) if path.is_dir() and not path.name.startswith(("_", "."))]


def expected_in(folder: Path) -> list[Expected]:
    """What the files of a folder announce."""
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
    """What a text announces for the file of this name."""
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


def difference(expected: Sequence[Expected], findings: Sequence[dict[str, Any]]) -> str:
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


def judge(folder: Path, expected: Sequence[Expected], *arguments: str) -> str:
    """Lint a folder: how the findings differ from what is expected; empty if they do not."""
    run = lint(folder, *arguments)
    if not run.out.startswith("{"):
        return f"exit {run.code}, no report: {run.err}{run.out}"
    return difference(expected, run.findings)


def check(case: Case, *arguments: str) -> None:
    """Lint a copy of a case, with its own options and these. Raises AssertionError with the difference."""
    with tempfile.TemporaryDirectory() as folder:
        said = judge(case.copy(Path(folder)), case.expected(), *_STATIC, *case.arguments, *arguments)
    if said:
        raise AssertionError(f"{case.id}\n{said}")


def check_example(rule: Rule, *arguments: str) -> None:
    """Lint every YAML example in a rule's documentation. Raises AssertionError where there is none, where none shows the rule,
    and where findings are other than announced."""
    examples = examples_of(rule)
    announced = [expected_of(example, "example.yaml") for example in examples]
    if rule.id not in {one.rule for expected in announced for one in expected}:
        raise AssertionError(f"{rule.id} {rule.name}: no example in the documentation has # expect: {rule.id}")
    for example, expected in zip(examples, announced, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "example.yaml").write_text(example, encoding="utf-8")
            said = judge(Path(folder), expected, *_STATIC, *arguments_in(example), *arguments)
        if said:
            raise AssertionError(f"{rule.id} {rule.name}, example\n{said}")


def examples_of(rule: Rule) -> list[str]:
    """The YAML blocks of a rule's documentation."""
    return _EXAMPLE.findall(cleandoc(rule.doc))


def example_of(rule: Rule) -> str | None:
    """The first of them."""
    return next(iter(examples_of(rule)), None)


def arguments_in(example: str) -> list[str]:
    """`# args: --target istio=1.27` in an example."""
    found = _ARGUMENTS.search(example)
    return shlex.split(found[1]) if found else []
