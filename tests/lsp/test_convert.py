"""Places between code points and the units that editors count, on characters of every width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("lsprotocol", reason="the extra lsp is not installed")

from lsprotocol import types

from meshlint.lsp.convert import code_points, diagnostic, location_range, offset_of, page_of, position, width
from meshlint.model.position import Source
from meshlint.model.problem import Confidence, Finding, Impact, Location, Related, Severity

ENCODINGS = ("utf-8", "utf-16", "utf-32")
LINE = "a: é€😀b"  # one, two, three and four bytes of UTF-8; the last two units of UTF-16


@pytest.mark.parametrize(("encoding", "wide"), [("utf-8", 13), ("utf-16", 8), ("utf-32", 7)])
def test_width(encoding: str, wide: int) -> None:
    assert width(LINE, encoding) == wide


@pytest.mark.parametrize(("encoding", "units"), [("utf-8", (3, 5, 8, 12)), ("utf-16", (3, 4, 5, 7)), ("utf-32", (3, 4, 5, 6))])
def test_every_character_begins_where_the_editor_thinks(encoding: str, units: tuple[int, ...]) -> None:
    source = Source("a.yaml", f"x: 1\n{LINE}\n")
    for column, unit in zip((3, 4, 5, 6), units, strict=True):
        assert position(source, 1, column, encoding) == types.Position(1, unit)
        assert offset_of(source, types.Position(1, unit), encoding) == 5 + column


def test_in_the_middle_of_a_character_is_before_it() -> None:
    assert code_points("😀b", 1, "utf-16") == 0
    assert code_points("😀b", 3, "utf-8") == 0
    assert code_points("😀b", 2, "utf-16") == 1


def test_behind_a_line_is_its_end_and_behind_the_text_the_texts() -> None:
    source = Source("a.yaml", "ab\r\ncd")
    assert offset_of(source, types.Position(0, 99), "utf-16") == 2
    assert offset_of(source, types.Position(7, 0), "utf-16") == 6


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.sampled_from(ENCODINGS))
def test_there_and_back(text: str, encoding: str) -> None:
    source = Source("a.yaml", text)
    for offset in range(len(text) + 1):
        at = source.position(offset)
        there = position(source, at.line, at.column, encoding)
        if at.column <= len(source.line(at.line)):  # not inside of a line break
            assert offset_of(source, there, encoding) == offset


def finding(**changes: object) -> Finding:
    one = Finding(
        rule="ML101", name="a-rule", family="traffic", severity=Severity.ERROR, impact=Impact.BREAKS, confidence=Confidence.HIGH,
        message="It breaks", remedy="Do not", location=Location("a.yaml", 2, 4, 2, 7), exact=True, resource=None, path=None,
        environments=("prod",), related=(), fix=None, fingerprint="f",
    )  # fmt: skip
    return one._replace(**changes)  # type: ignore[arg-type]


def shown(one: Finding, encoding: str = "utf-16") -> types.Diagnostic:
    source = Source("a.yaml", f"x: 1\n{LINE}\n")
    return diagnostic(one, lambda path: source if path == "a.yaml" else None, lambda path: f"file:///{path}", encoding)


def test_a_finding_as_a_diagnostic() -> None:
    said = shown(finding(related=(Related(Location("b.yaml", 1, 1, 1, 4), "here"),)))
    assert said.range == types.Range(types.Position(1, 3), types.Position(1, 7))
    assert (said.message, said.severity) == ("It breaks\nDo not", types.DiagnosticSeverity.Error)
    assert (said.code, said.source) == ("a-rule", "meshlint")
    assert said.code_description is not None and said.code_description.href.endswith("docs/rules/a-rule.md")
    assert said.related_information is not None
    assert said.related_information[0].location.uri == "file:///b.yaml"
    assert said.related_information[0].location.range == types.Range(types.Position(0, 0), types.Position(0, 3))
    assert said.data == {"rule": "ML101", "fingerprint": "f", "impact": "breaks", "environments": ["prod"]}


@pytest.mark.parametrize(
    ("changes", "tags"),
    [
        ({}, None),
        ({"impact": Impact.IGNORED}, [types.DiagnosticTag.Unnecessary]),
        ({"name": "unused-suppression"}, [types.DiagnosticTag.Unnecessary]),
        ({"name": "api-version-deprecated"}, [types.DiagnosticTag.Deprecated]),
    ],
)
def test_tags(changes: dict[str, object], tags: list[types.DiagnosticTag] | None) -> None:
    assert shown(finding(**changes)).tags == tags


def test_rules_of_others_have_no_page() -> None:
    assert page_of("ACME101", "theirs") is None
    assert shown(finding(rule="ACME101", name="theirs")).code_description is None


def test_a_place_in_a_file_that_is_not_known_is_taken_as_it_is() -> None:
    where = location_range(None, Location("gone.yaml", 3, 5, 3, 9), "utf-16")
    assert where == types.Range(types.Position(2, 4), types.Position(2, 8))
