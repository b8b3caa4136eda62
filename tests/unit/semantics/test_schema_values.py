"""Single values as the API server takes them."""

import json
import re
from pathlib import Path

import pytest

from meshlint.bundled import folder
from meshlint.model.kind import Kind
from meshlint.model.resource import Resource
from meshlint.model.schema import FaultKind
from meshlint.model.target import resolve_target
from meshlint.read.file import read_text
from meshlint.semantics.schema_values import SAME, has_form, seconds_of
from meshlint.semantics.schema_walk import faults

TARGET = resolve_target("istio=1.30,gateway-api=1.5")
_API = {Kind.VIRTUAL_SERVICE: "networking.istio.io/v1", Kind.WORKLOAD_GROUP: "networking.istio.io/v1"}


def said(kind, spec, file="object.yaml"):
    """(kind of fault, path) of an object, in the order of the text."""
    body = "".join(f"  {line}\n" for line in spec.strip("\n").splitlines())
    text = f"apiVersion: {_API[kind]}\nkind: {kind.kind}\nmetadata: {{name: a, namespace: shop}}\nspec:\n{body}"
    root = read_text(text, file).documents[0].root
    return [(fault.kind, fault.text) for fault in faults(Resource(kind, _API[kind], "a", "shop", root), TARGET)]


def http(entry):
    body = entry.replace("\n", "\n    ")
    return said(Kind.VIRTUAL_SERVICE, f"hosts: [a]\nhttp:\n  - {body}\n    route: [{{destination: {{host: a}}}}]")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("1m30s", 90), ("1.5h", 5400), (".5s", 0.5), ("0", 0), ("-1s", -1), ("100ms", 0.1), ("1us", 1e-6), ("10", None),
     ("s", None), ("", None), ("1d", None), ("10 s", None), ("10s\n", None)],
)  # fmt: skip
def test_durations_are_those_of_go(text, seconds):
    assert seconds_of(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("weight", ["50", "50.0", "5e1", "0x32", "null", "~"])
def test_integers_in_every_form_of_yaml(weight):
    assert said(Kind.VIRTUAL_SERVICE, f"http:\n  - route:\n      - destination: {{host: a}}\n        weight: {weight}") == []


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        ('"50"', 'is "50", a string; it must be an integer'),
        ("50.5", "is 50.5, a number; it must be an integer"),
        ("true", "is true, a boolean; it must be an integer"),
        ("[50]", "is a list; it must be an integer"),
        ("3000000000", "is 3000000000; it must fit into 32 bits"),
    ],
)
def test_what_is_no_integer(weight, text):
    found = said(Kind.VIRTUAL_SERVICE, f"http:\n  - route:\n      - destination: {{host: a}}\n        weight: {weight}")
    assert found == [(FaultKind.INVALID, f"spec.http[0].route[0].weight {text}")]


@pytest.mark.parametrize("value", ["10s", '"10s"', "1h2m", "null"])
def test_timeouts(value):
    assert http(f"timeout: {value}") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("10", "is 10, a number; it must be a string"),
        ('"10"', 'is "10", which is no duration'),
        ("0s", 'is "0s"; it must be at least 1ms'),
        ("1:30", 'is "1:30", which is no duration'),
    ],
)
def test_what_is_no_timeout(value, text):
    assert http(f"timeout: {value}") == [(FaultKind.INVALID, f"spec.http[0].timeout {text}")]


def test_words_that_yaml_takes_for_booleans_are_no_strings():
    found = http("match: [{headers: {end-user: {exact: yes}}}]")
    assert found == [(FaultKind.INVALID, "spec.http[0].match[0].headers.end-user.exact is true, a boolean; it must be a string")]


def test_base64():
    assert http("directResponse: {status: 200, body: {bytes: aGVsbG8=}}") == []
    assert len(http("directResponse: {status: 200, body: {bytes: hello}}")) == 1


def test_null_in_a_list_is_no_value():
    assert said(Kind.VIRTUAL_SERVICE, "hosts: [a, null]") == [(FaultKind.INVALID, "spec.hosts[1] is null; it must be a string")]


def test_an_alias_is_judged_where_it_stands():
    spec = "hosts: [a]\nhttp:\n  - timeout: &t 10\n    retries: {perTryTimeout: *t}\n    route: [{destination: {host: a}}]"
    assert [text for _, text in said(Kind.VIRTUAL_SERVICE, spec)] == [
        "spec.http[0].timeout is 10, a number; it must be a string",
        "spec.http[0].retries.perTryTimeout is 10, a number; it must be a string",
    ]


def test_an_object_of_a_wrong_shape_is_said_once():
    assert said(Kind.VIRTUAL_SERVICE, "- hosts") == [(FaultKind.INVALID, "spec is a list; it must be an object")]


def test_patterns_do_not_stop_at_a_line_break():
    spec = 'template: {}\nprobe: {httpGet: {port: 80, httpHeaders: [{name: "x-a\\n", value: "1"}]}}'
    assert [kind for kind, _ in said(Kind.WORKLOAD_GROUP, spec)] == [FaultKind.INVALID]


@pytest.mark.parametrize(
    ("destination", "hint"),
    [
        ("name: b", "Did you mean host, which is required and not there?"),
        ("name: [b]", "name is a field of spec.http[]: check the indentation."),
        ("host: b, name: b", "name is a field of spec.http[]: check the indentation."),
        ("host: b, weight: 1", "weight is a field of spec.http[].route[]: check the indentation."),
    ],
)
def test_an_unknown_name_may_be_meant_for_the_required_field_that_is_not_there(destination, hint):
    text = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a, namespace: shop}\n"
    root = read_text(f"{text}spec: {{http: [{{route: [{{destination: {{{destination}}}}}]}}]}}\n", "object.yaml").documents[0].root
    found = faults(Resource(Kind.VIRTUAL_SERVICE, "networking.istio.io/v1", "a", "shop", root), TARGET)
    assert [fault.remedy for fault in found if fault.kind is FaultKind.UNKNOWN] == [hint]


@pytest.mark.parametrize(("value", "meant"), [("{value: 50}", "percentage"), ("50", "")])
def test_a_near_name_is_meant_where_the_value_fits_it(value, meant):
    """percent, a number, became percentage, an object."""
    text = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a, namespace: shop}\n"
    abort = f"abort: {{httpStatus: 503, percent: {value}}}"
    root = read_text(f"{text}spec: {{hosts: [a], http: [{{fault: {{{abort}}}, route: [{{destination: {{host: a}}}}]}}]}}\n", "a.yaml")
    found = faults(Resource(Kind.VIRTUAL_SERVICE, "networking.istio.io/v1", "a", "shop", root.documents[0].root), TARGET)
    assert [(fault.remedy, fault.meant) for fault in found] == [("Did you mean percentage?", meant)]


def patterns(value):
    """Those of every field in the tables."""
    if isinstance(value, dict):
        yield from [value["pat"]] if isinstance(value.get("pat"), str) else []
        yield from (found for inner in value.values() for found in patterns(inner))
    elif isinstance(value, list):
        yield from (found for inner in value for found in patterns(inner))


def test_no_text_keeps_a_pattern_busy():
    """Go needs linear time for any pattern; Python doubled it with each character for one of them."""
    known = {one for path in Path(folder("schemas")).glob("*/fields.json") for one in patterns(json.loads(path.read_text()))}
    anchored = [one for one in known if one.startswith("^") and one.endswith("$") and "|" not in one]
    assert len(known) > len(anchored) > 8
    for part in ("a", "a,", "a-", "a.", "a b", "0", "5s", "/", "%20"):
        text = part * 300 + "\0 "
        assert not [one for one in sorted(known) if has_form(text, one) and one in anchored]


@pytest.mark.parametrize("text", ["a", "a b", "a  b", "a b ", " a", "a\tb c", "", "é", "a\nb"])
def test_a_pattern_in_other_words_takes_the_same_texts(text):
    for written, same in SAME.items():
        assert (re.search(written, text) is None) is (re.search(same, text) is None)
