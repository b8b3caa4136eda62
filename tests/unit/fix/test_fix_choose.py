"""Which fixes go together, and what is said against those that were made."""

from __future__ import annotations

import pytest

from meshlint.fix.choose import together
from meshlint.fix.compare import Objection, Repair, connected, objections
from meshlint.fix.texts import applied
from meshlint.model.position import Source
from meshlint.model.problem import Edit, Finding, Fix, Impact, Location, NewFile, ResourceName, Severity
from tests.unit.report.report_factories import finding as made

TEXT = "a: 1\nb: 2\nc:\n  d: 3\n"
SOURCE = Source("f.yaml", TEXT)


def finding() -> Finding:
    return made(Location("f.yaml", 1, 1, 1, 2))


def edit(start: int, end: int, text: str, file: str = "f.yaml") -> Edit:
    return Edit(file, SOURCE.span(start, end), text)


def repair(*edits: Edit, new: tuple[NewFile, ...] = (), of: Finding | None = None) -> Repair:
    return Repair(of or finding(), Fix("x", edits, new, True))


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (edit(0, 4, "x"), edit(5, 9, "y"), True),
        (edit(0, 4, "x"), edit(4, 9, "y"), True),
        (edit(0, 4, ""), edit(4, 9, ""), False),
        (edit(0, 4, ""), edit(5, 9, ""), True),
        (edit(0, 4, ""), edit(0, 4, ""), True),
        (edit(0, 5, "x"), edit(4, 9, "y"), False),
        (edit(0, 4, "x"), edit(0, 4, "x"), True),
        (edit(0, 4, "x"), edit(0, 4, "y"), False),
        (edit(0, 4, "x"), edit(0, 0, "y"), True),
        (edit(0, 4, "x"), edit(2, 2, "y"), False),
        (edit(0, 4, "x"), edit(4, 4, "y"), True),
        (edit(0, 4, "x"), edit(2, 2, "y", "g.yaml"), True),
        (edit(9, 9, "\nx: 1"), edit(9, 9, "\ny: 1"), True),
        (edit(9, 9, "\nx: 1"), edit(9, 9, "\nx: 2"), False),
        (edit(9, 9, "\nx:\n  y: 1"), edit(9, 9, "\nx:\n  z: 2"), False),
        (edit(9, 9, "\n- x: 1"), edit(9, 9, "\n- x: 2"), True),
        (edit(9, 9, "\n  x: 1"), edit(9, 9, "\ny: 2"), False),
        (edit(9, 9, ", x"), edit(9, 9, ", y"), False),
        (edit(9, 9, "---\nx: 1\n"), edit(9, 9, "---\nx: 2\n"), True),
    ],
)  # fmt: skip
def test_together(one: Edit, other: Edit, both: bool) -> None:
    assert len(together([repair(one), repair(other)])) == 1 + both
    assert len(together([repair(other), repair(one)])) == 1 + both


def test_new_files_are_shared_only_where_they_are_the_same() -> None:
    first, same, other = (repair(new=(NewFile("n.yaml", text),)) for text in ("a", "a", "b"))
    assert together([first, same, other]) == [first, same]


def test_the_first_wins_whole() -> None:
    first, second, third = repair(edit(0, 4, "x")), repair(edit(2, 5, "y"), edit(10, 12, "z")), repair(edit(10, 12, "w"))
    assert together([first, second, third]) == [first, third]


def test_shared_edits_are_made_once() -> None:
    edits = [edit(9, 9, "\nx: 1"), edit(9, 9, "\ny: 1"), edit(9, 9, "\nx: 1"), edit(0, 1, "q")]
    assert applied(TEXT, edits) == "q: 1\nb: 2\nx: 1\ny: 1\nc:\n  d: 3\n"


def of(rule: str, name: str = "a", alike: str = "", severity: Severity = Severity.WARNING, impact: Impact = Impact.ADVICE) -> Finding:
    named = ResourceName("v1", "Secret", "shop", name)
    return finding()._replace(rule=rule, resource=named, alike=alike or f"{rule}{name}", severity=severity, impact=impact)


def against(batch: list[Finding], before: list[Finding], after: list[Finding]) -> list[tuple[str, list[int]]]:
    repairs = [repair(edit(0, 1, "x"), of=one) for one in batch]
    return [(one.reason.partition(",")[0], sorted(one.suspects)) for one in objections(repairs, (before, after), (before, after))]


def test_nothing_is_said_against_fixes_that_only_take_away() -> None:
    a, b, other = of("X1"), of("X1", "b"), of("X2")
    assert against([a, b], [a, b, other], [other]) == []


def test_a_finding_that_stays_is_told_from_those_that_go() -> None:
    a, b = of("X1"), of("X1", "b")
    assert against([a, b], [a, b], [b]) == [("its finding would still be there", [1])]


def test_of_findings_of_one_object_that_which_stays_is_told_by_its_text() -> None:
    one, two = of("X1", alike="1"), of("X1", alike="2")
    assert against([one, two], [one, two], [two]) == [("its finding would still be there", [1])]
    assert against([one, two], [one, two], [of("X1", alike="3")]) == [("its finding would still be there", [0, 1])]


def test_new_errors_and_holes() -> None:
    a = of("X1")
    assert against([a], [a], [of("X2", severity=Severity.ERROR)]) == [("it would bring a new error", [0])]
    assert against([a], [a], [of("X2", impact=Impact.UNENFORCED)]) == [("it would bring a hole", [0])]
    assert against([a], [a], [of("X2", impact=Impact.BREAKS)]) == [("it would bring a hole", [0])]
    assert against([a], [a], [of("X2", severity=Severity.WARNING, impact=Impact.DIFFERS)]) == []


def test_what_an_error_hid_is_no_hole() -> None:
    wrong = of("X1", severity=Severity.ERROR)
    hole = of("X2", impact=Impact.BREAKS)
    assert against([wrong], [wrong], [hole]) == []
    assert against([wrong], [wrong], [hole._replace(severity=Severity.ERROR)]) != []
    assert against([wrong], [wrong], [of("X2", "b", impact=Impact.BREAKS)]) == [("it would bring a hole", [0])]


def test_a_warning_that_becomes_an_error_is_a_new_error() -> None:
    a, other = of("X1"), of("X2")
    assert against([a], [a, other], [other._replace(severity=Severity.ERROR)]) == [("it would bring a new error", [0])]


def test_who_is_to_blame_is_the_fix_of_the_object() -> None:
    a, b = of("X1"), of("X1", "b")
    hole = of("X2", "b", impact=Impact.BREAKS)
    assert against([a, b], [a, b], [hole]) == [("it would bring a hole", [1])]
    assert against([a, b], [a, b], [hole._replace(resource=None)]) == [("it would bring a hole", [0, 1])]


def test_of_copies_that_which_was_changed_is_to_blame() -> None:
    a = of("X1")
    copy = a._replace(location=Location("g.yaml", 1, 1, 1, 2))
    repairs = [repair(edit(0, 4, "x"), of=a), repair(edit(0, 4, "x", "g.yaml"), of=copy)]
    hole = of("X2", impact=Impact.BREAKS)
    for number, there in enumerate(("f.yaml", "g.yaml")):
        after = [hole._replace(location=Location(there, 1, 1, 1, 2))]
        assert [sorted(one.suspects) for one in objections(repairs, ([a, copy], after), ([a, copy], after))] == [[number]]


@pytest.mark.parametrize(
    ("suspects", "groups"),
    [
        ([], []),
        ([{1, 2}, {3}], [[1, 2], [3]]),
        ([{1, 2}, {4, 5}, {2, 3}], [[1, 2, 3], [4, 5]]),
        ([{1, 2}, {3, 4}, {5}, {2, 3}, {5, 4}], [[1, 2, 3, 4, 5]]),
    ],
)
def test_suspects_of_one_objection_are_looked_at_together(suspects: list[set[int]], groups: list[list[int]]) -> None:
    assert connected(Objection("", frozenset(one)) for one in suspects) == groups


def test_another_version_of_an_object_is_the_same_object() -> None:
    a, old = of("X1"), of("X2", severity=Severity.ERROR)
    new = old._replace(resource=ResourceName("v2", "Secret", "shop", "a"), alike="other")
    assert against([a], [a, old], [new]) == []
