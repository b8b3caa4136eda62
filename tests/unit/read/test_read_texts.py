"""Strings wherever they stand, and what is written in those that a template fills in."""

import pytest

from meshlint.model.node import Table
from meshlint.model.position import Source
from meshlint.model.texts import may_say, strings_below, written
from meshlint.read.compose import compose

TEXT = """\
command: [sh, -c, 'curl ${HOST}:1']
port: 80
probe:
  exec:
    command: |
      run {{ .Values.x }}
"""


def table() -> Table:
    return next(iter(compose(TEXT, Source("a.yaml", TEXT))))


def test_strings_in_order() -> None:
    found = [node.path for node in strings_below(table().root)]
    assert found == [("command", 0), ("command", 1), ("command", 2), ("probe", "exec", "command")]


def test_what_is_written() -> None:
    root = table().root
    assert written(root.get("command", 1)) == "-c"
    assert root.get("command", 2).unknown
    assert "curl ${HOST}:1" in written(root.get("command", 2))
    assert "run {{ .Values.x }}" in written(root.get("probe", "exec", "command"))
    assert written(root.get("port")) == "" and written(root.get("nothing")) == ""


@pytest.mark.parametrize(("text", "may"), [
    ("a: {b: [c, The Word]}", True), ("a: {theword: 1}", False), ("a: {the word: 1}", True), ("a: 15020", True),
    ("a: {{ .Values.x }}", True), ("a: &x [word 1]\nb: *x", False), ("a: '15'", False), ("[the word]", True), ("[]", True),
])  # fmt: skip
def test_what_a_document_may_say(text: str, may: bool) -> None:
    (made,) = compose(text, Source("a.yaml", text))
    assert may_say(made.root, "the word", "15020") is may


def test_one_of_several_objects_of_a_document_is_looked_at_by_itself() -> None:
    text = "items: [{a: 1}, {a: word}]"
    (made,) = compose(text, Source("a.yaml", text))
    assert may_say(made.root.get("items", 0), "word") and not may_say(made.root, "other")
