"""The formats agree on what is found, where and how grave; the JSON report keeps its contract; SARIF is sane."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from meshlint.arguments import FORMATS
from tests.door import call
from tests.manifests import MESH, ROUTE, SERVICE, write

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples/bookshop"
SCHEMA = json.loads((ROOT / "schemas/meshlint/report.v1.json").read_text(encoding="utf-8"))

Row = tuple[str, int, int, str, str]  # file, line, column, severity, rule
_TEXT = re.compile(r"^(?P<file>[^\s:][^:]*):(?P<line>\d+):(?P<column>\d+): (?P<severity>error|warning|note) (?P<rule>ML\d{3}) ")
_CONCISE = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+):(?P<column>\d+): (?P<rule>ML\d{3}) (?P<severity>error|warning|note) ")
_GITHUB = re.compile(r"^::(?P<severity>error|warning|notice) (?P<properties>[^:]*)::")


@pytest.fixture(params=["example", "tricky"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return EXAMPLE if request.param == "example" else tricky(tmp_path)


def tricky(folder: Path) -> Path:
    """File names with blanks, commas, percent signs and letters beyond ASCII; broken files; columns behind wide characters;
    line breaks of three sorts; several objects on one line."""
    emoji = ROUTE.replace("subset: v9", 'subset: "v\N{ROCKET}9"')
    spread = ROUTE.replace("subset: v9}", "\n        subset:\n          v9}").replace("name: reviews,", "name: spread,")
    write(
        folder,
        {
            **MESH,
            "with blank, comma.yaml": emoji.replace("name: reviews,", "name: emoji,"),
            "100%/Zo\u00eb.yaml": ROUTE.replace("name: reviews,", "name: zoe,"),
            "spread.yaml": spread,
            "list.yaml": "apiVersion: v1\nkind: List\nitems:\n- " + ROUTE.replace("\n", "\n  ").replace("name: reviews,", "name: listed,"),
            "broken.yaml": "a: [1,\nb: }\n",
            "dir/broken.json": '{"apiVersion": "v1", "kind": "Pod"\n',
            "values.yaml": "replicas: 3\n",
        },
    )
    (folder / "crlf.yaml").write_bytes(ROUTE.replace("name: reviews,", "name: crlf,").replace("\n", "\r\n").encode())
    (folder / "cr.yaml").write_bytes(ROUTE.replace("name: reviews,", "name: cr,").replace("\n", "\r").encode())
    (folder / "utf16.yaml").write_text(ROUTE.replace("name: reviews,", "name: wide,"), encoding="utf-16")
    (folder / "latin1.yaml").write_bytes(b"# \xe9\xe8\n" + SERVICE.encode())
    return folder


def rows_of_json(text: str) -> list[Row]:
    return [(f["file"], f["line"], f["column"], f["severity"], f["rule"]) for f in json.loads(text)["findings"]]


def rows_of_lines(pattern: re.Pattern[str], text: str) -> list[Row]:
    found = [match for line in text.splitlines() if (match := pattern.match(line))]
    return [(m["file"], int(m["line"]), int(m["column"]), m["severity"], m["rule"]) for m in found]


def rows_of_github(text: str) -> list[Row]:
    out = []
    for line in text.splitlines():
        match = _GITHUB.match(line)
        assert match, line
        pairs = (part.partition("=") for part in match["properties"].split(","))
        facts = {name: value.replace("%2C", ",").replace("%3A", ":").replace("%25", "%") for name, _, value in pairs}
        severity = match["severity"].replace("notice", "note")
        column = facts.get("col") or line.partition(f":{facts['line']}:")[2].partition(":")[0]
        out.append((facts["file"], int(facts["line"]), int(column), severity, facts["title"].partition(" ")[0]))
    return out


def rows_of_sarif(text: str) -> list[Row]:
    out = []
    for result in json.loads(text)["runs"][0]["results"]:
        place = result["locations"][0]["physicalLocation"]
        region = place["region"]
        file = unquote(place["artifactLocation"]["uri"])
        out.append((file, region["startLine"], region.get("startColumn", 1), result["level"], result["ruleId"]))
    return out


def rows_of_gitlab(text: str) -> list[tuple[str, int, str, str]]:
    """GitLab has no columns."""
    severities = {"critical": "error", "major": "warning", "info": "note"}
    found = [(row, row["location"]) for row in json.loads(text)]
    return [(at["path"], at["lines"]["begin"], severities[row["severity"]], row["description"].split()[0]) for row, at in found]


def rows_of_junit(text: str) -> list[Row]:
    """The lines in failures and in the output of cases that passed."""
    suites = [suite for suite in ElementTree.fromstring(text) if suite.get("name") != "meshlint"]
    said = [part.text or "" for suite in suites for case in suite for part in case]
    return rows_of_lines(_CONCISE, "\n".join(said))


def rows_of_rdjson(text: str, folder: Path) -> list[Row]:
    """With columns in code points, read off the files: rdjson counts bytes."""
    severities = {"ERROR": "error", "WARNING": "warning", "INFO": "note"}
    out = []
    for row in json.loads(text)["diagnostics"]:
        path, start = row["location"]["path"], row["location"]["range"]["start"]
        lines = re.split(r"\r\n|\n|\r", text_of(folder / path))
        column = len(lines[start["line"] - 1].encode()[: start["column"] - 1].decode()) + 1
        out.append((path, start["line"], column, severities[row["severity"]], row["code"]["value"]))
    return out


def text_of(file: Path) -> str:
    raw = file.read_bytes()
    return raw.decode("utf-16" if raw[:2] == b"\xff\xfe" else "utf-8", "replace")


def rows_of_markdown(text: str) -> list[Row]:
    out, file = [], ""
    for line in text.splitlines():
        if opened := re.match(r"<details><summary><code>(.*)</code>: ", line):
            file = unescape(opened[1])
        elif found := re.match(r"- `(\d+):(\d+)` \*\*(error|warning|note)\*\* (ML\d{3}) ", line):
            out.append((file, int(found[1]), int(found[2]), found[3], found[4]))
    return out


def test_every_format_says_the_same(folder: Path) -> None:
    expected = sorted(rows_of_json(call("-o", "json", cwd=folder).out))
    assert len(expected) > 10
    assert sorted(rows_of_lines(_TEXT, call("-v", cwd=folder).out)) == expected
    assert sorted(rows_of_lines(_CONCISE, call("-o", "concise", cwd=folder).out)) == expected
    assert sorted(rows_of_github(call("-o", "github", cwd=folder).out)) == expected
    assert sorted(rows_of_sarif(call("-o", "sarif", cwd=folder).out)) == expected
    assert sorted(rows_of_junit(call("-o", "junit", cwd=folder).out)) == expected
    assert sorted(rows_of_rdjson(call("-o", "rdjson", cwd=folder).out, folder)) == expected
    assert sorted(rows_of_markdown(call("-v", "-o", "markdown", cwd=folder).out)) == expected
    assert sorted(rows_of_gitlab(call("-o", "gitlab", cwd=folder).out)) == sorted((*row[:2], *row[3:]) for row in expected)


def test_every_format_is_compared() -> None:
    assert {"text", "concise", "json", "sarif", "github", "gitlab", "junit", "rdjson", "markdown"} == set(FORMATS)


def test_several_formats_at_once(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("out")
    files = [word for form in FORMATS[1:] for word in ("-o", f"{form}={out / f'x.{form}'}")]
    run = call("-o", "text", *files, cwd=folder)
    assert run.out == call(cwd=folder).out
    for form in FORMATS[1:]:
        name = f"x.{form}"
        alone = call("-o", form, cwd=folder)
        assert (out / name).read_bytes().decode() == alone.out
        assert alone.code == run.code


def test_places_are_what_they_name(tmp_path: Path) -> None:
    run = call("-o", "json", "--select", "subset-undefined", cwd=tricky(tmp_path))
    texts = {}
    for finding in run.findings:
        raw = (tmp_path / finding["file"]).read_bytes()
        lines = re.split(r"\r\n|\n|\r", raw.decode("utf-16" if raw[:2] == b"\xff\xfe" else "utf-8"))
        assert finding["line"] == finding["end_line"]
        texts[finding["file"]] = lines[finding["line"] - 1][finding["column"] - 1 : finding["end_column"] - 1]
    assert texts.pop("with blank, comma.yaml") == '"v\N{ROCKET}9"'
    assert set(texts) == {"route.yaml", "100%/Zo\u00eb.yaml", "spread.yaml", "list.yaml", "crlf.yaml", "cr.yaml", "utf16.yaml"}
    assert set(texts.values()) == {"v9"}


def test_the_report_keeps_its_contract(folder: Path) -> None:
    report = call("-o", "json", cwd=folder).report
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(report)] == []
    assert report["findings"] == sorted(report["findings"], key=lambda f: (f["file"], f["line"], f["column"], f["rule"], f["message"]))
    assert len({finding["fingerprint"] for finding in report["findings"]}) == len(report["findings"])
    for severity in ("error", "warning", "note"):
        assert report["summary"][severity] == sum(finding["severity"] == severity for finding in report["findings"])
    assert {name for f in report["findings"] for name in f["environments"]} <= {e["name"] for e in report["coverage"]["environments"]}
    assert all((ROOT / finding["help"]).is_file() for finding in report["findings"])


@pytest.mark.parametrize("arguments", [[], ["--select", "install"], ["--severity", "traffic=note"], ["--target", "istio=1.28"]])
def test_the_report_of_other_runs_keeps_its_contract(tmp_path: Path, arguments: list[str]) -> None:
    for files in ({}, {"service.yaml": SERVICE}, MESH):
        report = call("-o", "json", *arguments, cwd=write(tmp_path, files)).report
        assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(report)] == []


def test_coverage_adds_up(folder: Path) -> None:
    coverage = call("-o", "json", cwd=folder).report["coverage"]
    found = call("--show-files", cwd=folder).out.splitlines()
    assert coverage["found"] == len(found) == coverage["read"] + coverage["skipped_files"]
    assert coverage["read"] == coverage["manifests"] + coverage["other"]
    skipped = [skipped["file"] for skipped in coverage["skipped"]]
    assert len(skipped) == coverage["skipped_files"] and set(skipped) <= set(found)
    assert all(skipped["reason"] for skipped in coverage["skipped"])
    assert coverage["resources"] <= coverage["documents"]


def test_the_tricky_files_are_skipped_with_their_reason(tmp_path: Path) -> None:
    run = call("-o", "json", cwd=tricky(tmp_path))
    skipped = {row["file"]: row["reason"] for row in run.report["coverage"]["skipped"]}
    assert skipped.keys() == {"broken.yaml", "dir/broken.json", "latin1.yaml"}
    assert {"yaml-syntax", "unreadable-file"} <= {f["name"] for f in run.findings if f["file"] in skipped}
    text = call("-v", cwd=tmp_path).out
    assert all(f"{file}: " in text for file in skipped)
    assert "latin1.yaml" in call("-o", "sarif", cwd=tmp_path).out


def nodes(value: Any) -> Iterable[Any]:
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(item)


def test_sarif_is_sane(folder: Path) -> None:
    log = json.loads(call("-o", "sarif", cwd=folder).out)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (region.get("endLine", region["startLine"]), region["endColumn"]) >= (region["startLine"], region.get("startColumn", 1))
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)
    for node in nodes(log):
        if isinstance(node, dict) and "uri" in node and "uriBaseId" in node:
            assert re.fullmatch(r"(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-F]{2})+", node["uri"])
            assert run["artifacts"][node["index"]]["location"]["uri"] == node["uri"]
    assert run["invocations"][0]["exitCode"] == 1
