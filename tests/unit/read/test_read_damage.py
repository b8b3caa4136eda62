"""Damaged texts never stop reading, and every place stays inside of the text."""

import random

import pytest

from meshlint.read.file import read_text

TEXT = """\
%YAML 1.1
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, labels: {"a": 'b'}}
data:
  mesh: |-
    defaultConfig: {x: 1}
    trustDomain: "a"
  x: &a [1, {b: *c}]
---
apiVersion: v1
kind: List
items:
- &i {kind: Gateway, spec: {<<: *i, 😀: !t {{ .x }}}}
- ? [a]
  : 0x1F
...
{"a": "\\u00e9", "b": [1.5e3, null]}
"""
PARTS = [
    *"{}[]:,-?&*!|>'\"%@`#\n\r\t \x00\x7f\ufeff😀",
    "---\n",
    "...\n",
    "<<: ",
    "{{",
    "}}",
    "\\u",
    "\r\n",
    "  ",
    "&i ",
    "*i ",
    "|2\n",
    "\u2028",
]


@pytest.mark.parametrize("path", ["a.yaml", "a.json", "templates/a.yaml"])
def test_damage(path: str) -> None:
    dice = random.Random(7)
    for _ in range(250):
        text = TEXT[dice.randrange(60) :]
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice(PARTS) + text[at + dice.choice((0, 0, 1, 5)) :]
        read = read_text(text, path)
        assert read.source is not None
        size = len(read.source.text)
        for document in read.documents:
            for root in (document.root, *(inner for _, inner in document.inner)):
                table = root.table
                places = zip(table.starts, table.ends, table.key_starts, table.key_ends, strict=True)
                assert all(0 <= start <= end <= size and -1 <= key <= key_end <= size for start, end, key, key_end in places), text
                assert all(parent < row for row, parent in enumerate(table.parents))
        assert all(trouble.span is None or trouble.span.end.offset <= size for trouble in read.troubles)
