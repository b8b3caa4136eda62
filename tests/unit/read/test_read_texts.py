"""Strings wherever they stand, and what is written in those that a template fills in."""

from meshlint.model.node import Table
from meshlint.model.position import Source
from meshlint.model.texts import strings_below, written
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
