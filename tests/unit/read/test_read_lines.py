"""What is read line by line is what the parser makes of it, or is left to the parser."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshlint.model.node import UNKNOWN, Table
from meshlint.model.position import Source
from meshlint.read.compose import compose, parsed
from meshlint.read.errors import ReadError
from meshlint.read.lines import rows_of

ROOT = Path(__file__).resolve().parents[3]
SOURCE = Source("a.yaml", "")

ENTRIES = """# a Deployment
apiVersion: apps/v1   # of apps
kind: Deployment
metadata:
  name: "reviews"
  labels: {app: reviews, version: "v1"}
  annotations:

    empty:
    'quoted key': it's plain
    said: "a \\"quote\\", a \\\\ and a tab\\t"
    single: 'it''s'
    url: http://a.b:80/c#d
    filled: ${NAME}
    text: |-
      {{ x }}
spec:
  replicas: 0x10
  paused: on
  none: ~
  hosts: ["*", a.b, 'c' ]
  paths: [/a/*, b*c, /**]
  args:
  - --flag=a b
  - -x
  - name: a
    value: >-
      one
      two
  - key:
    - deep
  - |
    first

      second

  ports: []
  rest: {}
  template: {metadata: {labels: {app: a, app: b}}, spec: {containers: [{name: main, ports: [{containerPort: 0x50}, {}]}, []]}}  # one line
  matches:
  - [ [a, "b, c"], {d: '{{ e }}'} ]
---
# nothing
---
- a
- b: 1
  c: 2.5
"""

LEFT = [
    "a: b\n  c\n", "a: b: c\n", "a:\n  b\n", "a: *b\n", "a: &b c\n", "a: !b c\n", "<<: a\n", "a: b #@ c\n", "a:\tb\n", "- - a\n",
    "-\n  a: b\n", "? a\n: b\n", "a: |+\n  b\n", "a: |2\n  b\n", "a: |\nb: c\n", "a: |\n  b", "a: |\n  b\n \nc: d\n",
    "a: >\n  b\n\n  c\n", "a: >\n  b\n    c\n", "a: [b\n", "a: [b c]\n", "a: [b,]\n", "a: {b: [c}\n",
    "a: [[b, c]\n", "a: {b}\n", "a: {b: }\n", "a: [b: c]\n",
    'a: {"b": c}\n', "a: {b: c}d\n", f"a: {'[' * 22}{']' * 22}\n", f"a: {{{'b' * 600}: c}}\n", 'a: "b\n  c"\n',
    'a: "\\x41"\n', 'a: "b" c\n', "a: {{ b }}\n", "{a: b}\n", "[a]\n", "a\n", "...\n", "a: b\n...\n", "%YAML 1.1\n---\na: b\n",
    "--- a\n", "a: b\n- c\n", "- a\nb: c\n", "a:\n    b: c\n  d: e\n", " a: b\n", "a: b\r\n", "a: \x85\n", "a: b\n\tc: d\n", "a: %b\n",
    "a: @b\n", "a: b:\n", "a: - b\n", "a b: c\n", "a: \ufeff\n", "a: é\u2028\n", "a: \x07\n",
]  # fmt: skip


def columns(tables: list[Table]) -> Any:
    """Everything that tables hold, with the types of values and the order of keys."""
    return [
        (
            [(type(one), list(one.items()) if isinstance(one, dict) else one) for one in table.values],
            [(type(one), one) for one in table.steps],
            *(list(column) for column in (table.parents, table.starts, table.ends, table.key_starts, table.key_ends)),
        )
        for table in tables
    ]


def same(text: str, shift: int = 0) -> bool:
    """Is the text read line by line, as the parser reads it?"""
    if rows_of(text) is None:
        return False
    assert columns(compose(text, SOURCE, shift)) == columns(parsed(text, SOURCE, shift)), text
    return True


@pytest.mark.parametrize("shift", [0, 1000])
def test_what_people_write_is_read_line_by_line(shift: int) -> None:
    assert same(ENTRIES, shift)
    tables = compose(ENTRIES, SOURCE)
    assert [type(table.values[0]) for table in tables] == [dict, type(None), list]
    root = tables[0].root
    assert root.get("metadata", "annotations", "said").value == 'a "quote", a \\ and a tab\t'
    assert root.get("metadata", "annotations", "filled").value is UNKNOWN
    assert root.get("metadata", "annotations", "text").value is UNKNOWN
    assert root.get("spec", "args", 2, "value").value == "one two"
    assert root.get("spec", "args", 4).value == "first\n\n  second\n"
    assert root.get("spec", "template", "spec", "containers", 0, "ports", 0, "containerPort").value == 80
    assert root.get("spec", "matches", 0, 1, "d").value is UNKNOWN
    assert [host.value for host in root.each("spec", "hosts")] == ["*", "a.b", "c"]


@pytest.mark.parametrize(
    "text", ["", "\n", "# a\n", "---\n", "---\n---\n", "a:\n", "a: b", "- a:\n", "a:\n- b\nc: d\n", "a: xé # é\n", "---\na: b\n---\n# c"]
)
def test_short_texts(text: str) -> None:
    assert same(text)


@pytest.mark.parametrize("text", LEFT)
def test_what_is_not_certain_is_left_to_the_parser(text: str) -> None:
    assert rows_of(text) is None


def texts() -> Iterator[str]:
    for folder in ("examples", "tests"):
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            yield path.read_bytes().decode(errors="replace").removeprefix("\ufeff")


def test_every_manifest_of_ours() -> None:
    assert sum(map(same, texts())) > 500


BITS = [
    "- ", " ", "  ", ":", ": ", "#", " #", '"', "'", "|", ">", "|-", ">-", "{}", "[a, b]", "{a: b}", "\n", "\n\n", "\t", "---\n", "...",
    "&a", "*a", "!x", "<<", "?", "-", "%", "\\", '\\"', "''", "{{ x }}", "$(X)", "\r", "\u2028", "\xa0", "é", "~", "null", "1e3", "y: ",
    " #@ x", ",", "[", "{", "{a: {b: [c, {}]}}", "[[a], b]", "]", "}", "key: |\n", "\n   \n", "a: b", "<path:a>", "=",
]  # fmt: skip


def damaged(text: str, chance: random.Random) -> str:
    lines = text.split("\n")[: chance.choice((10, 30, 60))]
    for _ in range(chance.choice((1, 1, 2))):
        number = chance.randrange(len(lines))
        line = lines[number]
        at = chance.randrange(len(line) + 1)
        blank = len(line) - len(line.lstrip())
        lines[number] = chance.choice(
            (line[:at] + chance.choice(BITS) + line[at:], line + chance.choice(BITS), f"  {line}", line[2:],
             line[:blank] + chance.choice(BITS) + line[blank:], chance.choice(lines))
        )  # fmt: skip
    return "\n".join(lines)


def held_to_the_parser(rounds: int, seed: int) -> int:
    """How many of so many damaged texts are read line by line."""
    chance = random.Random(seed)
    whole = [text for text in texts() if rows_of(text) is not None]
    known = 0
    for _ in range(rounds):
        text = damaged(chance.choice(whole), chance)
        try:
            known += same(text)
        except (ReadError, yaml.YAMLError):
            pytest.fail(f"the parser refuses {text!r}")
    return known


def test_damaged_texts() -> None:
    assert held_to_the_parser(1_000, 1) > 100


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_damaged_texts(seed: int) -> None:
    assert held_to_the_parser(10_000, seed) > 1_000
