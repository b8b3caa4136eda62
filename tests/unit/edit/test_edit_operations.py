"""Each operation in each style, to the byte; and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from meshlint.edit.changes import Changes
from meshlint.model.node import Node
from meshlint.read.file import read_text
from tests.unit.edit.test_edit_property import applied

Operation = Callable[..., Changes]


_NOT_ALONE = "it cannot be changed alone: an alias, or the way it is written, ties it to something else"


def done(text: str, operation: Operation, path: str = "a.yaml") -> str:
    """The text after an operation, which gets the roots of the documents; what was refused, in brackets."""
    changes = operation(Changes(), *(document.root for document in read_text(text, path, True).documents))
    fix = changes.fix("x")
    return applied(text, fix) if fix is not None else f"<{changes.refused}>"


BLOCK = """\
# head
a: 1 # one
b:
  c: "x" # two
  # about d
  d: 'y'

  e:
  - p: 1
    q: 2
  # last
  - r
f: {g: 1, h: [1, 2]}
i: {}
j: []
k:
l: |
  text
"""


@pytest.mark.parametrize(
    ("operation", "old", "new"),
    [
        (lambda c, r: c.set(r.get("a"), 2), "a: 1 #", "a: 2 #"),
        (lambda c, r: c.set(r.get("a"), "on"), "a: 1 #", 'a: "on" #'),
        (lambda c, r: c.set(r.get("a"), "plain"), "a: 1 #", "a: plain #"),
        (lambda c, r: c.set(r.get("b", "c"), "z"), '"x"', '"z"'),
        (lambda c, r: c.set(r.get("b", "d"), "it's"), "'y'", "'it''s'"),
        (lambda c, r: c.set(r.get("b", "d"), 5), "'y'", "5"),
        (lambda c, r: c.set(r.get("a"), {"m": [1]}), "a: 1 # one\n", "a: # one\n  m:\n  - 1\n"),
        (lambda c, r: c.set(r.get("b", "e"), "s"), "  e:\n  - p: 1\n    q: 2\n  # last\n  - r\n", "  e: s\n"),
        (lambda c, r: c.set(r.get("b", "e", 1), {"s": 1, "t": 2}), "- r\n", "- s: 1\n    t: 2\n"),
        (lambda c, r: c.set(r.get("f", "h"), {"s": "a, b"}), "[1, 2]", '{s: "a, b"}'),
        (lambda c, r: c.set(r.get("k"), "v"), "k:\n", "k: v\n"),
        (lambda c, r: c.set(r.get("l"), "one\ntwo"), "l: |\n  text\n", "l: |-\n  one\n  two\n"),
        (lambda c, r: c.set_key(r, "new", True), "  text\n", "  text\nnew: true\n"),
        (lambda c, r: c.set_key(r, ("b", "new"), None), "  - r\n", "  - r\n  new: null\n"),
        (lambda c, r: c.set_key(r, ("b", "o", "m"), "*"), "  - r\n", '  - r\n  o:\n    m: "*"\n'),
        (lambda c, r: c.set_key(r.get("b", "e", 0), "group", "", before="p"), "- p: 1\n", '- group: ""\n    p: 1\n'),
        (lambda c, r: c.set_key(r.get("f"), "new", "y"), "[1, 2]}", '[1, 2], new: "y"}'),
        (lambda c, r: c.set_key(r.get("f"), "new", 1, before="g"), "{g:", "{new: 1, g:"),
        (lambda c, r: c.set_key(r, ("i", "new"), 1), "i: {}\n", "i:\n  new: 1\n"),
        (lambda c, r: c.set_key(r, ("k", "new"), 1), "k:\n", "k:\n  new: 1\n"),
        (lambda c, r: c.append(r.get("b", "e"), {"s": [1]}), "  - r\n", "  - r\n  - s:\n    - 1\n"),
        (lambda c, r: c.append(r, 3, ("f", "h")), "[1, 2]", "[1, 2, 3]"),
        (lambda c, r: c.append(r, 3, "j"), "j: []\n", "j:\n- 3\n"),
        (lambda c, r: c.append(r, 3, "new"), "  text\n", "  text\nnew:\n- 3\n"),
        (lambda c, r: c.remove(r.get("b", "c")), '  c: "x" # two\n', ""),
        (lambda c, r: c.remove(r.get("b", "d")), "  # about d\n  d: 'y'\n", ""),
        (lambda c, r: c.remove(r.get("b", "e", 0)), "  - p: 1\n    q: 2\n", ""),
        (lambda c, r: c.remove(r.get("b", "e", 1)), "  # last\n  - r\n", ""),
        (lambda c, r: c.remove(r.get("b", "e", 0, "p")), "- p: 1\n    q: 2", "- q: 2"),
        (lambda c, r: c.remove(r.get("f", "g")), "{g: 1, h", "{h"),
        (lambda c, r: c.remove(r.get("f", "h", 1)), "[1, 2]", "[1]"),
        (lambda c, r: c.remove(r.get("l")), "l: |\n  text\n", ""),
        (lambda c, r: c.remove(r.get("f", "h", 1)).remove(r.get("f", "h", 0)), "[1, 2]", "[]"),
        (lambda c, r: c.remove(r.get("f", "h", 1)).remove(r.get("f", "h", 0), prune=True), ", h: [1, 2]", ""),
        (lambda c, r: c.rename(r.get("b", "c"), "yes"), 'c: "x"', '"yes": "x"'),
        (lambda c, r: c.add_document(r, {"a": {"b": 1}}), "  text\n", "  text\n---\na:\n  b: 1\n"),
    ],
)  # fmt: skip
def test_yaml(operation: Operation, old: str, new: str) -> None:
    assert BLOCK.count(old) == 1
    expected = BLOCK.replace(old, new)
    assert done(BLOCK, operation) == expected
    crlf = "\r\n".join(BLOCK.split("\n"))
    assert done(crlf, operation) == "\r\n".join(expected.split("\n"))


PRETTY = '{\n  "a": 1,\n  "b": {\n    "c": [\n      "x"\n    ]\n  },\n  "d": {}\n}\n'


@pytest.mark.parametrize(
    ("operation", "old", "new"),
    [
        (lambda c, r: c.set(r.get("a"), "on"), "1", '"on"'),
        (lambda c, r: c.set_key(r, ("b", "e"), {"f": [1]}),
         "    ]\n  }", '    ],\n    "e": {\n      "f": [\n        1\n      ]\n    }\n  }'),
        (lambda c, r: c.append(r, "y", ("b", "c")), '"x"\n', '"x",\n      "y"\n'),
        (lambda c, r: c.set_key(r, ("d", "e"), 1), "{}", '{\n    "e": 1\n  }'),
        (lambda c, r: c.remove(r.get("a")), '"a": 1,\n  ', ""),
        (lambda c, r: c.remove(r.get("d")), ',\n  "d": {}', ""),
        (lambda c, r: c.remove(r.get("b", "c", 0)), '[\n      "x"\n    ]', "[]"),
        (lambda c, r: c.rename(r.get("a"), "z"), '"a"', '"z"'),
        (lambda c, r: c.set_key(r, "new", "\x85\U0001f600", before="a"), '{\n  "a"', '{\n  "new": "\\u0085\U0001f600",\n  "a"'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("margin", ["  ", "\t", "    "])
def test_json(operation: Operation, old: str, new: str, margin: str) -> None:
    assert PRETTY.count(old) == 1
    text, expected = (made.replace("  ", margin) for made in (PRETTY, PRETTY.replace(old, new)))
    assert done(text, operation, "a.json") == expected


def test_json_on_one_line_stays_on_one_line() -> None:
    text = '{"a":1,"b":["x"]}'
    new = done(text, lambda c, r: c.set_key(r, ("c", "d"), [1]).append(r, {"y": 2}, "b"), "a.json")
    assert new == '{"a":1,"b":["x",{"y":2}],"c":{"d":[1]}}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n    b: 1\n", "a:\n    b: 1\no:\n    m:\n    - 1\n"),
        ("a:\n  - b: 1\n", "a:\n  - b: 1\no:\n  m:\n    - 1\n"),
        ("a:\n-   b: 1\n    c: 2\n", "a:\n-   b: 1\n    c: 2\no:\n  m:\n  -   1\n"),
        ("a: 1", "a: 1\no:\n  m:\n  - 1"),
        ("a: {\n  b: 1, # c\n  d: 2 # e\n}\n", "a: {\n  b: 1, # c\n  d: 2 # e\n}\no:\n  m:\n  - 1\n"),
    ],
)
def test_new_text_is_indented_as_the_rest(text: str, expected: str) -> None:
    assert done(text, lambda c, r: c.set_key(r, ("o", "m"), [1])) == expected


def test_comments_in_flow_collections_stay_where_they_are() -> None:
    text = "a: {\n  b: 1, # c\n  d: 2 # e\n}\n"
    assert done(text, lambda c, r: c.set_key(r, ("a", "f"), 3)) == "a: {\n  b: 1, # c\n  d: 2, # e\n  f: 3\n}\n"
    text = text.replace("2 #", "2, #")
    assert done(text, lambda c, r: c.set_key(r, ("a", "f"), 3)) == "a: {\n  b: 1, # c\n  d: 2, # e\n  f: 3,\n}\n"


ANCHORS = "a: &x\n  b: 1\nc: *x\nd:\n  <<: *x\n  e: 2\nf: &alone\n  g: 1\n"


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (lambda c, r: c.set(r.get("a", "b"), 2), None),
        (lambda c, r: c.set_key(r.get("a"), "o", 2), None),
        (lambda c, r: c.set_key(r.get("c"), "o", 2), None),
        (lambda c, r: c.remove(r.get("a")), None),
        (lambda c, r: c.remove(r.get("d", "b")), None),
        (lambda c, r: c.rename(r.get("a", "b"), "o"), None),
        (lambda c, r: c.set(r.get("c"), 2), ANCHORS.replace("c: *x", "c: 2")),
        (lambda c, r: c.set_key(r, ("d", "b"), 2), ANCHORS.replace("  e: 2\n", "  e: 2\n  b: 2\n")),
        (lambda c, r: c.remove(r.get("d", "e")), ANCHORS.replace("  e: 2\n", "")),
        (lambda c, r: c.remove(r.get("c")), ANCHORS.replace("c: *x\n", "")),
        (lambda c, r: c.set(r.get("f", "g"), 2), ANCHORS.replace("g: 1", "g: 2")),
    ],
)  # fmt: skip
def test_anchors(operation: Operation, expected: str | None) -> None:
    new = done(ANCHORS, operation)
    assert new == expected if expected is not None else new.startswith("<")


@pytest.mark.parametrize(
    ("text", "operation", "said"),
    [
        ("a: '{{ x }}'\nb: 1\n", lambda c, r: c.set(r.get("a"), 1), "a template fills it in"),
        ("a: {b: '{{ x }}'}\nb: 1\n", lambda c, r: c.remove(r.get("a")), "a template fills it in"),
        ("# {{ if x }}\na: 1\n# {{ end }}\n", lambda c, r: c.set(r.get("a"), 2), "a template decides on parts of its document"),
        ("#@ if x:\na: 1\n#@ end\n", lambda c, r: c.set_key(r, "b", 2), "a template decides on parts of its document"),
        ("a: 1\nsops: {mac: x}\n", lambda c, r: c.set(r.get("a"), 2), "its values are signed or encrypted (sops)"),
        ("a: 1\n", lambda c, r: c.set(r.get("b"), 2), "it is not there"),
        ("a: 1\n", lambda c, r: c.set_key(r.get("b"), "c", 2), "it is not there"),
        ("a: 1\n", lambda c, r: c.set_key(r, ("a", "c"), 2), "there is another kind of value above it"),
        ("a: 1\n", lambda c, r: c.set_key(r, ("b", 0), 2), "it is not there"),
        ("a: 1\n", lambda c, r: c.append(r, 1, "a"), "there is another kind of value"),
        ("a: 1\n", lambda c, r: c.remove(r.get("a")), "it is the whole document"),
        ("a: 1\n", lambda c, r: c.set(r, {}), "it is the whole document"),
        ("a: 1\nb: 2\n", lambda c, r: c.rename(r.get("a"), "b"), "the key is there already"),
        ("a: [1]\n", lambda c, r: c.rename(r.get("a", 0), "b"), "it has no key"),
        ("a: {b: 1}\n", lambda c, r: c.set(r.get("a"), 1).set(r.get("a", "b"), 2), "an earlier operation of the fix replaced it"),
        ("a: {b: 1}\nc: 1\n", lambda c, r: c.remove(r.get("a")).set(r.get("a", "b"), 2), "an earlier operation of the fix removed it"),
        ("a: 1\n", lambda c, r: c.remove_document(r).set(r.get("a"), 2), "an earlier operation of the fix removed it"),
        ("a: |\n  x\n  y", lambda c, r: c.set_key(r, "b", 2), _NOT_ALONE),
    ],
)  # fmt: skip
def test_refused(text: str, operation: Operation, said: str) -> None:
    assert done(text, operation) == f"<{said}>"


def test_an_alias_inside_of_a_repeated_key_is_no_danger() -> None:
    assert done("a: 1\na: 2\n", lambda c, r: c.set_key(r, "b", 3)) == "a: 1\na: 2\nb: 3\n"
    assert done("a: 1\na: 2\nb: 1\n", lambda c, r: c.remove(r.get("a"))).startswith("<")


MANY = "# first\na: 1\n---\n# second\nb: 1\n---\nc: 1\n"


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (lambda c, a, b, d: c.add_document(a, {"o": 1}), "# first\na: 1\n---\no: 1\n---\n# second\nb: 1\n---\nc: 1\n"),
        (lambda c, a, b, d: c.remove_document(b), "# first\na: 1\n---\nc: 1\n"),
        (lambda c, a, b, d: c.remove_document(d), "# first\na: 1\n---\n# second\nb: 1\n"),
        (lambda c, a, b, d: c.remove_document(a).remove_document(b).remove_document(d), ""),
        (lambda c, a, b, d: c.set_key(d, "o", 1).set(a.get("a"), 2).add_document(d, {"m": 1}),
         "# first\na: 2\n---\n# second\nb: 1\n---\nc: 1\no: 1\n---\nm: 1\n"),
    ],
)  # fmt: skip
def test_documents(operation: Operation, expected: str) -> None:
    assert done(MANY, operation) == expected


def test_the_head_of_a_file_stays_when_its_first_document_goes() -> None:
    text = "# License\n\n# about a\na: 1\n---\nb: 1\n"
    assert done(text, lambda c, a, b: c.remove_document(a)) == "# License\n\n---\nb: 1\n"
    text = "# License\n# [START all]\n---\n# about a\na: 1\n---\nb: 1\n"
    assert done(text, lambda c, a, b: c.remove_document(a)) == "# License\n# [START all]\n---\nb: 1\n"


def test_a_document_behind_one_without_a_line_end() -> None:
    assert done("a: 1", lambda c, r: c.set_key(r, "b", 2).add_document(r, {"o": 1})) == "a: 1\nb: 2\n---\no: 1\n"


def test_items_of_a_list_are_objects() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n- apiVersion: v1\n  kind: Service\n"
    assert done(text, lambda c, a, b: c.add_document(b, {"o": 1})) == f"{text}- o: 1\n"
    assert done(text, lambda c, a, b: c.remove_document(a)) == text.replace("- apiVersion: v1\n  kind: Secret\n", "")


def test_a_document_in_a_string() -> None:
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\ndata:\n"
    text = f"{head}  mesh: |-\n    trustDomain: a\n    defaultConfig:\n      x: 1\n"
    inner = read_text(text, "a.yaml", True).documents[0].inner[0][1]
    fix = Changes().set(inner.get("trustDomain"), "b").set_key(inner, "trustDomainAliases", ["a"]).fix("x")
    assert fix is not None
    assert applied(text, fix) == text.replace("trustDomain: a", "trustDomain: b") + "    trustDomainAliases:\n    - a\n"
    folded = read_text(text.replace("|-", ">-"), "a.yaml", True).documents[0].inner
    assert all(Changes().set(root.get("trustDomain"), "b").refused for _, root in folded)


def test_what_changes_nothing_is_no_fix() -> None:
    node: Node = read_text("a: 1\n", "a.yaml", True).documents[0].root
    changes = Changes().set(node.get("a"), 1)
    assert changes.refused is None and changes.fix("x") is None
