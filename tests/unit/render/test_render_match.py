"""Which rows of a rendered value a written one sets."""

import pytest

from meshlint.model.node import Node
from meshlint.model.position import Source
from meshlint.read.compose import compose
from meshlint.render.origin.match import Claims, same


def node(text: str, path: str = "x.yaml") -> Node:
    return compose(text, Source(path, text))[0].root


def places(made: str, *sources: str) -> dict[str, str]:
    """Where each scalar of what was made comes from, source by number, `~` before what is only near."""
    root = node(made, "made")
    claims = Claims()
    for number, source in enumerate(sources):
        claims.take(root, node(source, str(number)))
    out = {}
    for row in range(len(root.table.values)):
        at = Node(root.table, row)
        found = claims.of(at)
        if not (at.is_map or at.is_list):
            origin = "-" if found is None else f"{'' if found[1] else '~'}{found[0].file}:{found[0].span.start.line + 1}"
            out[".".join(map(str, at.path))] = origin
    return out


def test_the_last_that_sets_a_value_has_it() -> None:
    assert places("{a: 1, b: 2, c: 3}", "a: 1\nb: 1\nc: 3\n", "b: 2\n") == {"a": "0:1", "b": "1:1", "c": "0:3"}


def test_a_value_that_changed_later_is_only_near() -> None:
    assert places("{a: 5}", "\na: 1\n", "\n\na: 2\n") == {"a": "~1:3"}


def test_what_nobody_sets_stands_above() -> None:
    assert places("{m: {a: 1, new: x}}", "m:\n  a: 1\n") == {"m.a": "0:2", "m.new": "~0:2"}


@pytest.mark.parametrize(
    ("made", "source", "expected"),
    [
        ("[a, b, c]", "- c\n- a\n", ["0:3", "~0:2", "0:2"]),
        ("[{name: x, v: 1}, {name: y, v: 2}]", "- name: y\n  v: 2\n- name: x\n  v: 0\n", ["0:4", "~0:5", "0:2", "0:3"]),
        ("[{v: 1}, {v: 2}]", "- v: 1\n- v: 3\n", ["0:2", "~0:3"]),
        ("[{port: 80, p: a}, {port: 90, p: b}]", "- port: 90\n  p: b\n", ["~0:2", "~0:2", "0:2", "0:3"]),
    ],
)
def test_items_of_lists(made: str, source: str, expected: list[str]) -> None:
    """Equal ones, those of the same name, else those of the same index of lists as long; what is new stands at the list."""
    assert list(places(f"l: {made}", f"l:\n{source}").values()) == expected


def test_who_sets_all_of_a_collection_has_it() -> None:
    root = node("{spec: {http: [{route: x}], other: 1}}", "made")
    claims = Claims()
    claims.take(root, node("spec:\n  http: [{route: y}]\n  other: 1\n", "base"))
    claims.take(root, node("spec:\n  http: [{route: x}]\n", "patch"))
    owner = {".".join(map(str, at.path)): claims.exact[at.row].file for at in (root.get("spec"), root.get("spec", "http"))}
    assert owner == {"spec": "base", "spec.http": "patch"}


@pytest.mark.parametrize(("one", "other"), [("80", '"80"'), ("true", '"true"'), ("1.0", "1.0"), ("${a}", '"${a}"')])
def test_a_scalar_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert same(node(f"a: {one}"), node(f"a: {other}"))


def test_different_values_are_not_the_same() -> None:
    assert not same(node("{a: 1}"), node("{a: 1, b: 2}"))
    assert not same(node("[1, 2]"), node("[2, 1]"))
    assert not same(node("a: ${a}"), node("a: ${b}"))
