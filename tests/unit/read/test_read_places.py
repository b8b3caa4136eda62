"""Every row of a tricky text stands exactly where it is written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from read_helpers import key_written, root, written

from meshlint.model.node import Node
from meshlint.read.file import read_file

TRICKY = """\
a: &x 1
b: *x
'q': "😀 z" # c
y: on
t: {{ .v }}
c: &m
  k: v

# c
d: &l
- 1
-
- {a: b, }
e: []
f: |+
  foo
    bar

g: !!str &s 1
h: &n
i: >-  # c
  folded
  text
j: two
  lines
"k" : [ 1 , {x: y} ]
😀😀: ü
last:
"""
EXPECTED = {
    ("a",): ("a", "1"), ("b",): ("b", "*x"), ("q",): ("'q'", '"😀 z"'), ("true",): ("y", "on"), ("t",): ("t", "{{ .v }}"),
    ("c",): ("c", "k: v"), ("c", "k"): ("k", "v"), ("d",): ("d", "- 1\n-\n- {a: b, }"), ("d", 0): (None, "1"), ("d", 1): (None, ""),
    ("d", 2): (None, "{a: b, }"), ("d", 2, "a"): ("a", "b"), ("e",): ("e", "[]"), ("f",): ("f", "|+\n  foo\n    bar"),
    ("g",): ("g", "!!str &s 1"), ("h",): ("h", ""), ("i",): ("i", ">-  # c\n  folded\n  text"), ("j",): ("j", "two\n  lines"),
    ("k",): ('"k"', "[ 1 , {x: y} ]"), ("k", 0): (None, "1"), ("k", 1): (None, "{x: y}"), ("k", 1, "x"): ("x", "y"),
    ("😀😀",): ("😀😀", "ü"), ("last",): ("last", ""),
}  # fmt: skip


def places(node: Node) -> dict[object, object]:
    table = node.table
    rows = [Node(table, row) for row in range(1, len(table.values))]
    return {row.path: (key_written(row), written(row)) for row in rows}


def test_every_row_stands_where_it_is_written() -> None:
    assert places(root(TRICKY)) == EXPECTED


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "BOM"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_encodings_and_line_breaks(tmp_path, encoding: str, mark: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes((mark + TRICKY.replace("\n", "\r\n")).encode(encoding))
    (document,) = read_file(str(path), "a.yaml").documents
    unix = {where: (key, text.replace("\r\n", "\n")) for where, (key, text) in places(document.root).items()}
    assert unix == EXPECTED
    assert document.root.get("last").key_span.start == (27, 0, len(TRICKY) + 27 - len("last:\n"))


def test_the_empty_value_is_right_behind_its_colon() -> None:
    node = root("a:   # c\n\nb: 1\n").get("a")
    assert (node.span.start.offset, node.span.end.offset) == (2, 2)


def test_a_collection_ends_with_its_last_value() -> None:
    node = root("a:\n  b: 1\n\n# c\n\nc: 2\n")
    assert written(node.get("a")) == "b: 1"
    assert written(node) == "a:\n  b: 1\n\n# c\n\nc: 2"


PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="\ufeff\u2028\u2029\ufffe\uffff"),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(PLAIN, st.one_of(PLAIN, st.integers(-99, 99), st.booleans(), st.none()), min_size=1, max_size=6),
    st.sampled_from(["'", '"', None]),
)
def test_the_span_of_a_scalar_reads_as_its_value(values: dict[str, object], style: str | None) -> None:
    import yaml

    text = yaml.safe_dump({"a": [values]}, allow_unicode=True, default_style=style, width=10_000)
    node = root(text)
    for key, below in node.get("a", 0).items():
        again = root(f"- {written(below)}\n").get(0)
        assert again.value == below.value
        assert [*root(f"{key_written(below)}: 1\n").value] == [key]
