"""JUnit's XML, by the rules of the xsd that Jenkins' xUnit plugin publishes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from report_factories import finding, full, result

from meshlint.model.problem import Location, Severity
from meshlint.report.junit import write
from meshlint.report.result import Result

CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
}
ATTRIBUTES: dict[str, tuple[set[str], set[str]]] = {  # required, and those that may be there as well
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"skipped", "time", "timestamp", "hostname", "id", "package", "file"}),
    "testcase": ({"name"}, {"classname", "time", "group"}),
    "failure": (set(), {"type", "message"}),
    "error": (set(), {"type", "message"}),
    "system-out": (set(), set()),
}


def tree(run: Result, **options: Any) -> Element:
    out = io.StringIO()
    write(run, out, **options)
    assert out.getvalue().startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    return ElementTree.fromstring(out.getvalue().encode())


def elements(at: Element) -> Iterator[Element]:
    yield at
    for below in at:
        assert below.tag in CHILDREN[at.tag], f"{below.tag} in {at.tag}"
        yield from elements(below)


def runs() -> list[Result]:
    return [full(), result(), full()._replace(exit_code=2), full()._replace(fail_on="never"), full()._replace(fail_on="note")]


@pytest.mark.parametrize("number", range(5))
def test_elements_and_attributes(number: int) -> None:
    for element in elements(tree(runs()[number])):
        required, optional = ATTRIBUTES[element.tag]
        assert required <= set(element.keys()) <= required | optional


@pytest.mark.parametrize("number", range(5))
def test_counts(number: int) -> None:
    root = tree(runs()[number])
    for at in (root, *root.iter("testsuite")):
        assert at.get("tests") == str(len(list(at.iter("testcase"))))
        assert at.get("failures") == str(len(list(at.iter("failure"))))
        assert at.get("errors") == str(len(list(at.iter("error"))))


def test_only_what_fails_the_run_is_a_failure() -> None:
    def failing(run: Result) -> set[str]:
        return {failure.get("type", "") for failure in tree(run).iter("failure")}

    assert failing(full()) == {"error"}  # the case holds the warning of the same rule too
    assert failing(full()._replace(fail_on="note")) == {"error", "note"}
    assert failing(full()._replace(fail_on="never")) == set()


def test_a_case_is_a_rule_in_a_file() -> None:
    places = [Location("a.yaml", line, 1, line, 2) for line in (1, 2, 3)]
    note, warning = finding(places[0], severity=Severity.NOTE), finding(places[1], severity=Severity.WARNING, message="w")
    run = result(note, warning, finding(places[2], message="e"))
    (case,) = list(tree(run))[1]
    assert (case.get("name"), case.get("classname")) == ("ML101 vs-subset-destination", "a.yaml")
    failure, output = case
    assert (failure.get("type"), failure.get("message")) == ("error", "e (and 1 more finding)")
    assert [line.split()[0] for line in str(failure.text).splitlines() if line.startswith("a")] == ["a.yaml:2:1:", "a.yaml:3:1:"]
    assert str(output.text).startswith("a.yaml:1:1: ML101 note")


def test_there_is_always_a_case() -> None:
    (suite,) = tree(result())
    assert suite.get("tests") == "1" and "No problems found" in str(suite[0][0].text)
    assert len(tree(result(), quiet=True)[0][0]) == 0
    (failed,) = tree(result(exit_code=2)).iter("error")
    assert "exit code 2" in str(failed.get("message"))


def test_nothing_that_xml_forbids() -> None:
    nasty = "".join(map(chr, range(0x20))) + "\x7f\ufffe\uffff\ud800<&>\"']]>"
    run = result(finding(Location(f"{nasty}.yaml", 1, 1, 1, 2), message=nasty, remedy=nasty))
    said = "".join(part for element in elements(tree(run)) for part in (element.text or "", *map(str, element.attrib.values())))
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", said)
    assert "<&>\"']]>" in said
