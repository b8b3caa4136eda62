"""The Markdown report: what GitHub and GitLab make of it, and how much of it there may be."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from report_factories import coverage, finding, full, result

from meshlint.model.problem import Location, Severity
from meshlint.report.inline import code, inline
from meshlint.report.markdown import write
from meshlint.report.result import EnvironmentReport, Result


def text(run: Result, **options: Any) -> str:
    out = io.StringIO()
    write(run, out, **options)
    return out.getvalue()


def at(line: int, file: str = "a.yaml") -> Location:
    return Location(file, line, 1, line, 2)


def test_a_report() -> None:
    run = result(finding(at(3)), finding(at(9), severity=Severity.NOTE, rule="ML102", name="x", message="m", remedy=""))
    assert text(run) == (
        "### meshlint\n\nFound 1 error and 1 note.\n\n"
        "| findings | severity | rule | impact |\n|---:|---|---|---|\n"
        "| 1 | error | ML101 vs-subset-destination | breaks |\n| 1 | note | ML102 x | breaks |\n\n"
        "<details><summary><code>a.yaml</code>: 1 error and 1 note</summary>\n\n"
        "- `3:1` **error** ML101 vs-subset-destination: the route addresses subset v2 of reviews.shop; Gateway API has no subsets"
        "<br>*Make one Service per version and address these.*\n"
        "- `9:1` **note** ML102 x: m\n\n</details>\n\n"
        "<details><summary>What was checked</summary>\n\n"
        "- Target: Istio 1.30 (upstream), Gateway API 1.5 (standard), by default; --target sets it.\n"
        "- Read 3 of 3 files (2 manifests, 1 other): 2 documents, 2 resources.\n- 1 environment: plain (static).\n\n</details>\n"
    )


def test_quiet_leaves_out_what_was_checked() -> None:
    assert "What was checked" not in text(full(), quiet=True)


def test_no_findings() -> None:
    said = text(result())
    assert said.startswith("### meshlint\n\nNo problems found.\n") and "|" not in said and said.count("<details>") == 1


def test_folds_are_closed() -> None:
    for run in (full(), result(), full()._replace(suppressed=3)):
        assert text(run).count("<details>") == text(run).count("</details>")


def test_alike_findings_are_folded_and_counted() -> None:
    run = result(*(finding(at(line)) for line in range(1, 31)))
    assert "*And 27 more like this at lines 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 and 15 more.*" in text(run)
    assert "| 30 | error |" in text(run) and ": 30 errors</summary>" in text(run)
    assert len(re.findall(r"^- `\d+:1`", text(run, verbose=True), re.M)) == 30


def test_a_remedy_is_said_once_a_file() -> None:
    run = result(finding(at(1)), finding(at(2)), finding(at(1, "b.yaml")))
    assert text(run).count("Make one Service per version") == 2


@pytest.mark.parametrize("longest", [3_000, 20_000, 65_000])
def test_it_is_cut_at_findings_and_says_so(longest: int) -> None:
    found = [
        finding(at(line, f"f{number}.yaml"), message=f"{line} {'x' * 300}", severity=Severity.ERROR if number == 39 else Severity.NOTE)
        for number in range(40)
        for line in range(1, 9)
    ]
    said = text(result(*found), longest=longest, verbose=True)
    assert len(said) <= longest
    assert said.count("<details>") == said.count("</details>")
    shown = len(re.findall(r"^- `", said, re.M))
    left = re.search(r"\*\*Left out here:\*\* (\d+) findings in \d+ files?,", said)
    assert left and shown + int(left[1]) == 320
    assert "f39.yaml" in said  # what is most severe comes first into it
    assert "| 312 | note |" in said
    assert "What was checked" in said


def test_it_fits_into_a_comment_whatever_the_run_holds() -> None:
    long = "\U0001f600 <b> " * 20_000
    environments = tuple(EnvironmentReport(long, "helm", long, "failed", long, {}) for _ in range(50))
    run = result(
        *(finding(at(line, long), message=long, remedy=long) for line in range(50)),
        coverage=coverage(environments=environments, skipped_files=9, skipped=()),
    )
    for options in ({}, {"verbose": True}):
        assert len(text(run, **options)) <= 65_536


@pytest.mark.parametrize(
    "message",
    [
        "ping @someone and @org/team", "see #123, org/repo#4 and GH-12", "https://evil.example/x and www.evil.example", "$x^2$ of $$y$$",
        "[a](javascript:alert(1)) ![i](http://e/x.png)", "<img src=x onerror=alert(1)> &lt; <!-- --> </details>",
        "`code` *a* _b_ ~~c~~ | d",
        ":rocket: :+1:", "line\n# heading\n- item\n\n/close", "\u202e\x1b[31m", "a\\b \\` \\<b>", "a@b.example",
    ],
)  # fmt: skip
def test_nothing_of_a_file_comes_alive(message: str) -> None:
    """Read as CommonMark with tables, strikethrough and links by themselves, what is left is the text and empty spans."""
    markdown_it = pytest.importorskip("markdown_it")
    shown = inline(message)
    assert "\n" not in shown
    tokens = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).parse(f"- word {shown}")
    (content,) = [token for token in tokens if token.type == "inline"]
    assert {child.type for child in content.children} <= {"text", "html_inline", "text_special"}
    tags = {child.content for child in content.children if child.type == "html_inline"}
    assert tags <= {"<span>", "</span>"}
    plain = "".join(child.content for child in content.children if child.type != "html_inline")
    pieces = [child.content for child in content.children if child.type != "html_inline"]
    assert plain.replace(" ", "") == "word" + re.sub(r"\s", "", message.replace("\u202e", "<U+202E>").replace("\x1b", "\u241b"))
    for live in (r"@\w", r"#\d", r"\w://", r"www\.", r":[\w+]+:", r"\$\w", r"GH-\d"):
        assert not any(re.search(live, piece) for piece in pieces), (live, pieces)


def test_names_are_code() -> None:
    assert code("a<b>&`@x`\n.yaml") == "<code>a&lt;b&gt;&amp;`@x`\u240a.yaml</code>"
