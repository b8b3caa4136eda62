"""JSON that libyaml refuses, with exact places."""

import pytest
from read_helpers import key_written, plain, written

from meshlint.model.node import UNKNOWN, Node
from meshlint.model.position import Source
from meshlint.read.errors import ReadError
from meshlint.read.file import read_text
from meshlint.read.json_text import compose_json

TEXT = '{\n\t"a"\t: "\\ud83d\\ude00\\/",\n\t"b": [1, -2.5e3, true, null, {}, []],\n\t"c😀": {"d": "{{ x }}"}\n}\n'


def test_values_and_places() -> None:
    (document,) = read_text(TEXT, "x.json").documents
    root = document.root
    assert plain(root) == {"a": "😀/", "b": [1, -2500.0, True, None, {}, []], "c😀": {"d": UNKNOWN}}
    rows = [Node(root.table, row) for row in range(len(root.table.values))]
    assert [(key_written(row), written(row)) for row in rows[1:]] == [
        ('"a"', '"\\ud83d\\ude00\\/"'), ('"b"', "[1, -2.5e3, true, null, {}, []]"),
        (None, "1"), (None, "-2.5e3"), (None, "true"), (None, "null"), (None, "{}"), (None, "[]"),
        ('"c😀"', '{"d": "{{ x }}"}'), ('"d"', '"{{ x }}"'),
    ]  # fmt: skip
    assert written(rows[0]) == TEXT.strip()
    assert rows[-1].path == ("c😀", "d")


def test_the_same_table_as_from_yaml() -> None:
    text = '{"a": [1, {"b": "c"}], "d": {"e": null}, "f": 1.5}'
    (table,) = compose_json(text, Source("x.json", text))
    yaml_table = read_text(text, "x.yaml").documents[0].root.table
    for column in ("values", "starts", "ends", "key_starts", "key_ends", "parents", "steps"):
        assert getattr(table, column) == getattr(yaml_table, column)


def test_long_keys_and_several_documents() -> None:
    text = '{"%s": 1}\n{"apiVersion": "v1", "kind": "Service"}\n' % ("k" * 2000)
    assert [document.kind for document in read_text(text, "x.json").documents] == ["", "Service"]


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("{", 1),
        ('{"a" 1}', 5),
        ('{"a": }', 6),
        ("[1,]", 3),
        ('{"a": 1,}', 8),
        ("[1}", 2),
        ('{"a": 1', 7),
        ("[1 2]", 3),
        ('["\\x"]', 2),
        ('"a" x', 4),
    ],
)
def test_what_is_no_json(text: str, offset: int) -> None:
    with pytest.raises(ReadError) as caught:
        compose_json(text, Source("x.json", text))
    assert abs(caught.value.offset - offset) <= 1


def test_depth() -> None:
    with pytest.raises(ReadError) as caught:
        compose_json("[" * 5000, Source("x.json", ""))
    assert caught.value.rule == "limit-reached"


@pytest.mark.parametrize("text", ['// settings\n{\n\t"a": 1,\n}', '{"a": [1,\n\t}', "{", '{"apiVersion": "v1"'])
def test_other_tools_json_is_left_alone(text: str) -> None:
    read = read_text(text, "tsconfig.json")
    assert (read.documents, read.troubles, read.skipped) == ((), (), None)


def test_a_broken_manifest_is_a_finding() -> None:
    read = read_text('{"apiVersion": "v1", "kind": "Service",,}', "x.json")
    assert [trouble.rule for trouble in read.troubles] == ["yaml-syntax"]
    assert read.skipped
