"""Documents of a text, and that a broken one hides none of its neighbours."""

import pytest
from read_helpers import plain

from meshlint.model.position import Source
from meshlint.read.split import boundaries, compose_pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a: 1\n", ["a: 1\n"]),
        ("a: 1\n---\nb: 2\n", ["a: 1\n", "---\nb: 2\n"]),
        ("# head\n---\na: 1\n--- # c\nb: 2\n", ["# head\n---\na: 1\n", "--- # c\nb: 2\n"]),
        ("a: 1\n--- {b: 2}\n", ["a: 1\n", "--- {b: 2}\n"]),
        ("a: 1\r\n---\r\nb: 2\r\n", ["a: 1\r\n", "---\r\nb: 2\r\n"]),
        ("%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n# c\n---\nb: 2\n", ["%YAML 1.1\n---\na: 1\n...\n", "%YAML 1.1\n# c\n---\nb: 2\n"]),
        ("a: |\n  ---\n  x\n---x: 1\n----\n", ["a: |\n  ---\n  x\n---x: 1\n----\n"]),
        ("a: 1\n---", ["a: 1\n", "---"]),
        ("# only\n", []),
    ],
)
def test_boundaries(text: str, pieces: list[str]) -> None:
    assert [text[start:end] for start, end in boundaries(text)] == pieces


def test_the_neighbours_of_a_broken_document_are_read() -> None:
    text = "😀: 1\n---\nb: [\n---\nc: &x {d: 1}\n"
    pieces = compose_pieces(text, Source("a.yaml", text))
    assert [[plain(table.root) for table in piece.tables] for piece in pieces] == [[{"😀": 1}], [], [{"c": {"d": 1}}]]
    error = pieces[1].refused
    assert error is not None
    assert text[: error.offset].count("\n") == 3
    deep = pieces[2].tables[0].root.get("c", "d")
    assert text[deep.span.start.offset : deep.span.end.offset] == "1"
    assert deep.key_span is not None
    assert text[deep.key_span.start.offset] == "d"
    assert pieces[2].tables[0].root.key_span is None
