"""All formats say the same: file, line, column, rule and severity of each finding."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from html import unescape
from typing import Any
from xml.etree import ElementTree

import pytest
from report_factories import coverage, finding, full, result

from meshlint.model.problem import Location, Severity
from meshlint.report.formats import FORMATS, writer
from meshlint.report.result import Result

Place = tuple[str, int, int, str, str]


def text(name: str, run: Result, **options: Any) -> str:
    out = io.StringIO()
    writer(name)(run, out, **options)
    return out.getvalue()


def expected(run: Result) -> list[Place]:
    return [(f.location.file, f.location.line, f.location.column, f.rule, f.severity.value) for f in run.findings]


def from_text(said: str) -> list[Place]:
    found = re.findall(r"^(\S.*?):(\d+):(\d+): (error|warning|note) (ML\d+) ", said, re.M)
    return [(file, int(line), int(column), rule, severity) for file, line, column, severity, rule in found]


def from_concise(said: str) -> list[Place]:
    found = [re.fullmatch(r"(.*?):(\d+):(\d+): (ML\d+) (error|warning|note) .* \[[a-z-]+\]", line) for line in said.splitlines()]
    return [(m[1], int(m[2]), int(m[3]), m[4], m[5]) for m in found if m]


def from_json(said: str) -> list[Place]:
    return [(f["file"], f["line"], f["column"], f["rule"], f["severity"]) for f in json.loads(said)["findings"]]


def from_sarif(said: str) -> list[Place]:
    from urllib.parse import unquote

    found = []
    for item in json.loads(said)["runs"][0]["results"]:
        physical = item["locations"][0]["physicalLocation"]
        region = physical["region"]
        found.append(
            (unquote(physical["artifactLocation"]["uri"]), region["startLine"], region["startColumn"], item["ruleId"], item["level"])
        )
    return found


def from_github(said: str) -> list[Place]:
    found = []
    for line in said.splitlines():
        match = re.fullmatch(r"::(error|warning|notice) (.*?)::(.*)", line)
        assert match, line
        properties = dict(part.split("=", 1) for part in match[2].split(","))
        file = properties["file"].replace("%2C", ",").replace("%3A", ":").replace("%25", "%")
        severity = {"notice": "note"}.get(match[1], match[1])
        found.append((file, int(properties["line"]), int(properties["col"]), properties["title"].split()[0], severity))
    return found


def from_junit(said: str) -> list[Place]:
    found = [part.text or "" for suite in ElementTree.fromstring(said)[1:] for case in suite for part in case]
    return from_concise("\n".join(found))


def from_rdjson(said: str) -> list[Place]:
    """Columns count bytes; the places of this run have ASCII before them, but for one behind a tab and an emoji."""
    severities = {"ERROR": "error", "WARNING": "warning", "INFO": "note"}
    found = []
    for item in json.loads(said)["diagnostics"]:
        start = item["location"]["range"]["start"]
        path = item["location"]["path"]
        column = start["column"] - (3 if path.startswith("\u00fc") else 0)
        found.append((path, start["line"], column, item["code"]["value"], severities[item["severity"]]))
    return found


def from_markdown(said: str) -> list[Place]:
    found, file = [], ""
    for line in said.splitlines():
        if opened := re.match(r"<details><summary><code>(.*)</code>: ", line):
            file = opened[1]
        elif m := re.match(r"- `(\d+):(\d+)` \*\*(\w+)\*\* (ML\d+) ", line):
            found.append((file, int(m[1]), int(m[2]), m[4], m[3]))
    return found


def from_gitlab(said: str) -> list[Place]:
    severities = {"critical": "error", "major": "warning", "info": "note"}
    found = [(row, row["location"]) for row in json.loads(said)]
    return [(at["path"], at["lines"]["begin"], 0, row["description"].split()[0], severities[row["severity"]]) for row, at in found]


READERS = {
    "text": from_text, "concise": from_concise, "json": from_json, "sarif": from_sarif, "github": from_github,
    "gitlab": from_gitlab, "junit": from_junit, "rdjson": from_rdjson, "markdown": from_markdown,
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_the_same(name: str) -> None:
    run = full()
    places = [(file, line, 0 if name == "gitlab" else column, *rest) for file, line, column, *rest in expected(run)]
    assert READERS[name](text(name, run)) == places


@pytest.mark.parametrize("name", FORMATS)
def test_same_result_same_text(name: str) -> None:
    assert text(name, full()) == text(name, full())


@pytest.mark.parametrize("name", FORMATS)
def test_no_findings(name: str) -> None:
    assert READERS[name](text(name, result())) == []


@pytest.mark.parametrize("name", ["text", "concise", "github", "junit", "markdown"])
def test_no_control_or_direction_character_reaches_a_terminal(name: str) -> None:
    said = text(name, full(), color=False)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said)
    assert "\u241b[31m" in said.replace("\\", "")
    assert "<U+202E>" in unescape(said)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_name_that_is_not_utf8_can_be_written(name: str) -> None:
    run = result(finding(Location("caf\udce9.yaml", 1, 1, 1, 2)))
    assert text(name, run).encode()
    if name == "sarif":
        assert "caf%E9.yaml" in text(name, run)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(KeyError):
        writer("xml")


def test_only_the_used_format_is_imported() -> None:
    code = (
        "import io, sys; from meshlint.report.formats import writer; writer('text'); "
        "heavy = ('json', 'sarif_om', 'attr', 'dataclasses', 'unicodedata', 'pathlib', 'meshlint.report.sarif'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, env={"PYTHONPATH": _search_path()}, check=True
    )
    assert done.stdout.strip() == "[]"


def _search_path() -> str:
    import os

    return os.pathsep.join(path for path in sys.path if path)


def test_github_escapes_properties_and_text() -> None:
    run = result(finding(Location("a:b,c%.yaml", 2, 3, 2, 5), message="100%\r\nsecond::line", remedy=""))
    assert text("github", run) == (
        "::error file=a%3Ab%2Cc%25.yaml,line=2,endLine=2,col=3,endColumn=5,title=ML101 vs-subset-destination"
        "::a:b,c%25.yaml:2:3: ML101 error 100%25 second::line\n"
    )


def test_github_gives_no_columns_for_a_place_of_several_lines() -> None:
    said = text("github", result(finding(Location("a.yaml", 2, 3, 4, 5))))
    assert said.startswith("::error file=a.yaml,line=2,endLine=4,title=")


def test_github_cannot_be_made_to_run_another_command() -> None:
    run = result(finding(Location("x\n::set-env name=A::b.yaml", 1, 1, 1, 2), message="m\n::add-mask::all", remedy="r\n::stop-commands::x"))
    said = text("github", run)
    assert said.count("\n") == 1
    assert said.startswith("::error file=x\u240a%3A%3Aset-env")


def test_concise_is_one_line_whatever_the_message_holds() -> None:
    run = result(finding(Location("a.yaml", 1, 1, 1, 2), message="one\n  two\r\nthree\u2028four\tfive", severity=Severity.NOTE))
    assert text("concise", run) == "a.yaml:1:1: ML101 note one two three four five [vs-subset-destination]\n"


def test_concise_says_nothing_but_findings() -> None:
    assert text("concise", result(coverage=coverage(skipped_files=1))) == ""
