"""YAML text to tables of values with exact places: line by line what people write, by the parser what is left."""

from __future__ import annotations

from meshlint.model.node import Table
from meshlint.model.position import Source
from meshlint.read import lines, scalars
from meshlint.read.lines import rows_of
from meshlint.read.rows import table_of


def compose(text: str, source: Source, shift: int = 0) -> list[Table]:
    """Every document of the text as a table; offsets are moved by `shift`. Raises ReadError."""
    documents = rows_of(text)
    if documents is None:
        return parsed(text, source, shift)
    return [table_of(rows, source, shift) for rows in documents]


def parsed(text: str, source: Source, shift: int = 0) -> list[Table]:
    """The same, whatever the text is."""
    from meshlint.read.events import parsed_rows

    return [table_of(rows, source, shift) for rows in parsed_rows(text)]


def forget() -> None:
    """Let go of what scalars and lines say."""
    lines.forget()
    scalars.forget()
