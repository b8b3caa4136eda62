"""The output for people: snippets, alignment, folding, summary."""

from __future__ import annotations

import io
from typing import Any

import pytest
from report_factories import ROUTE, SUBSETS, Target, coverage, finding, place, result

from meshlint.model.position import Source
from meshlint.model.problem import Edit, Fix, Location, Related, Severity
from meshlint.report.paint import Paint
from meshlint.report.repeats import shape
from meshlint.report.result import EnvironmentReport, Result, Skipped
from meshlint.report.snippet import snippet, width
from meshlint.report.text import write


def said(run: Result, **options: Any) -> str:
    out = io.StringIO()
    write(run, out, **options)
    return out.getvalue()


def marks(source: Source, location: Location, **options: Any) -> list[str]:
    return list(snippet(source, location, Paint(False), "error", **options))


def underlined(source: Source, word: str, nth: int = 1) -> str:
    """What stands above the carets, in terminal columns."""
    line, carets = marks(source, place(source, word, nth), context=0)
    cells = "".join(char if width(char) == 1 else char + "\0" * (width(char) - 1) for char in line if width(char))
    start = carets.index("^")
    return cells[start : start + carets.count("^")].replace("\0", "")


def test_a_finding_with_all_its_parts() -> None:
    route, subsets = Source("shop/route.yaml", ROUTE), Source("shop/subsets.yaml", SUBSETS)
    fix = Fix("Remove the subset", (Edit(route.path, route.span(0, 1), ""),), safe=True)
    related = (Related(place(subsets, "v2"), "subset v2 is declared here"),)
    run = result(finding(place(route, "v2"), related=related, fix=fix, exact=False, environments=("a", "b")), sources=(route, subsets))
    assert said(run, quiet=True).splitlines() == [
        "shop/route.yaml:12:21: error ML101 the route addresses subset v2 of reviews.shop; Gateway API has no subsets"
        " [vs-subset-destination]",
        "  11 |             host: reviews",
        "  12 |             subset: v2",
        "     |                     ^^",
        "  13 |           weight: 90",
        "     = shop/subsets.yaml:7:13: subset v2 is declared here",
        "   7 |     - name: v2",
        "     = place: approximate, the nearest source of a rendered value",
        "     = environments: a, b",
        "     = help: Make one Service per version and address these.",
        "     = fix: Remove the subset",
        "",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "a: word",
        "a:\tword",
        "\t\ta: word",
        "a: \u65e5\u672c\u8a9e word",
        "a: \U0001f600\U0001f600 word",
        "a: e\u0301 word",
        "a: \x1b[31m\u202e word",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""])
def test_carets_stand_under_the_word(line: str, end: str) -> None:
    assert underlined(Source("a.yaml", f"x: 1{end or chr(10)}{line}{end}"), "word") == "word"


def test_carets_under_wide_and_combined_characters() -> None:
    assert underlined(Source("a.yaml", "a: \u65e5\u672c\u8a9e\n"), "\u672c\u8a9e") == "\u672c\u8a9e"
    assert underlined(Source("a.yaml", "a: e\u0301x y\n"), "x") == "x"


def test_a_long_line_is_cut_around_the_word() -> None:
    source = Source("a.json", "[" + "x" * 5000 + ' "word" ' + "y" * 5000 + "]")
    line, carets = marks(source, place(source, "word"))
    assert underlined(source, "word") == "word"
    assert len(line) < 140 > len(carets)


def test_several_lines_are_marked_and_many_are_cut() -> None:
    source = Source("a.yaml", "a: |\n  one\n\n  two\n  three\n  four\n  five\nb: 1\n")
    start, end = source.text.index("one"), source.text.index("five") + 4
    assert marks(source, Location.of("a.yaml", source.span(start, end))) == [
        "1 | a: |",
        "2 |   one",
        "  |   ^^^",
        "3 |",
        "4 |   two",
        "  |   ^^^",
        "5 |   three",
        "  |   ^^^^^",
        "... | to line 7",
    ]


def test_a_place_that_ends_behind_a_line_break_marks_its_line_only() -> None:
    source = Source("a.yaml", "a: one\r\nb: 2\r\n")
    assert marks(source, Location("a.yaml", 1, 4, 2, 1), context=0) == ["1 | a: one", "  |    ^^^"]


@pytest.mark.parametrize("location", [Location("a.yaml", 1, 1, 1, 1), Location("a.yaml", 1, 90, 1, 95)])
def test_an_empty_place_has_one_caret(location: Location) -> None:
    assert "".join(marks(Source("a.yaml", "a: 1\n"), location)).count("^") == 1


@pytest.mark.parametrize("location", [Location("a.yaml", 99, 1, 99, 2), Location("gone.yaml", 1, 1, 1, 2)])
def test_a_place_without_text_is_still_said(location: Location) -> None:
    run = result(finding(location), sources=(Source("a.yaml", "a: 1\n"),))
    assert f"{location.file}:{location.line}:1: error ML101" in said(run)


def many(number: int) -> Result:
    source = Source("a.yaml", "".join(f"subset: v{index}\n" for index in range(number)))
    found = [finding(Location("a.yaml", at + 1, 9, at + 1, 10), message=f"no subset 'v{at}' of a{at}.shop") for at in range(number)]
    return result(*found, sources=(source,))


def test_alike_findings_are_folded_and_all_are_counted() -> None:
    text = said(many(20))
    assert text.count("error ML101") == 3
    assert "... and 17 more like this at lines 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 and 5 more" in text
    assert "Found 20 errors." in text


def test_few_findings_or_verbose_are_not_folded() -> None:
    assert said(many(5)).count("error ML101") == 5
    assert said(many(20), verbose=True).count("error ML101") == 20


def test_other_messages_are_not_folded() -> None:
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"]
    run = result(*(finding(Location("a.yaml", line, 1, line, 2), message=f"about {word}") for line, word in enumerate(words, 1)))
    assert said(run).count("error ML101") == 7


def test_the_names_of_the_object_do_not_make_another_shape() -> None:
    first = finding(Location("a", 1, 1, 1, 2), message="VirtualService reviews sends 10% to 'v1'")
    other = first._replace(
        message="VirtualService ratings sends 25% to 'v22'", resource=first.resource and first.resource._replace(name="ratings")
    )
    assert shape(first) == shape(other)
    assert shape(first) != shape(other._replace(severity=Severity.NOTE))


def test_a_remedy_is_said_once_a_file() -> None:
    places = [Location("a.yaml", 1, 1, 1, 2), Location("a.yaml", 2, 1, 2, 2), Location("b.yaml", 1, 1, 1, 2)]
    assert said(result(*(finding(at) for at in places))).count("= help: ") == 2


def test_environments_are_cut_unless_verbose() -> None:
    run = result(finding(Location("a.yaml", 1, 1, 1, 2), environments=tuple(f"env{number}" for number in range(9))))
    assert "environments: env0, env1, env2, env3, env4 and 4 more\n" in said(run)
    assert "env7, env8\n" in said(run, verbose=True)


def test_colour_only_if_asked() -> None:
    assert "\x1b[" not in said(many(2))
    assert "\x1b[1;31merror ML101\x1b[0m" in said(many(2), color=True)


def test_summary_of_a_clean_run() -> None:
    assert said(result()).splitlines() == [
        "No problems found.",
        "Target: Istio 1.30 (upstream), Gateway API 1.5 (standard), by default; --target sets it.",
        "Read 3 of 3 files (2 manifests, 1 other): 2 documents, 2 resources.",
        "1 environment: plain (static).",
    ]


def test_summary_does_not_call_an_empty_run_clean() -> None:
    assert said(result(coverage=coverage(resources=0))).startswith("Nothing was checked: ")


def test_summary_tells_what_was_not_analysed() -> None:
    failed = [EnvironmentReport(f"env{number}", "helm", "c", "failed", "no values\nat all", {}) for number in range(4)]
    skipped = tuple(Skipped(f"c/{number}.yaml", "encrypted", ("Secret",)) for number in range(5))
    run = result(coverage=coverage(found=8, skipped_files=5, skipped=skipped, environments=(*coverage().environments, *failed)))
    lines = said(run).splitlines()
    assert lines[0] == "No problems found in what could be analysed."
    assert lines[3:] == [
        "5 environments: 4 helm (failed), 1 plain (static).",
        "  failed: env0 (no values at all)",
        "  failed: env1 (no values at all)",
        "  failed: env2 (no values at all)",
        "  ... and 1 more, -v names them",
        "Skipped 5 files:",
        "  c/0.yaml: encrypted; holds Secret",
        "  c/1.yaml: encrypted; holds Secret",
        "  c/2.yaml: encrypted; holds Secret",
        "  ... and 2 more, -v names them",
    ]
    verbose = said(run, verbose=True)
    assert "  c/4.yaml: encrypted; holds Secret\n" in verbose
    assert "  prod: plain static, ., runs Istio 1.29.2\n" in verbose


def test_summary_counts_and_origins() -> None:
    fixes = [Fix("a", safe=True), Fix("b", safe=False), Fix("c", safe=False), None]
    found = [finding(Location("a.yaml", line, 1, line, 2), fix=fix) for line, fix in enumerate(fixes, 1)]
    found.append(finding(Location("b.yaml", 1, 1, 1, 2), severity=Severity.NOTE))
    target = Target(istio="prod/istiod.yaml:3", gateway_api="--target", channel="default")
    lines = said(result(*found, target=target, suppressed=2, baselined=1)).splitlines()
    assert "Found 4 errors and 1 note; 3 come with an edit (1 safe, 2 to look at before). 2 suppressed, 1 known by the baseline." in lines
    origin = "Istio from prod/istiod.yaml:3; Gateway API set by --target."
    assert f"Target: Istio 1.30 (upstream), Gateway API 1.5 (standard); {origin}" in lines
