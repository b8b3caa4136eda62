"""What the tests of reading share."""

from meshlint.model.node import Node, Table
from meshlint.model.position import Source
from meshlint.read.compose import compose


def tables(text: str) -> list[Table]:
    return compose(text, Source("a.yaml", text))


def root(text: str) -> Node:
    (table,) = tables(text)
    return table.root


def plain(node: Node) -> object:
    """The value with everything below it."""
    if node.is_map:
        return {key: plain(below) for key, below in node.items()}
    return [plain(item) for item in node.each()] if node.is_list else node.value


def written(node: Node) -> str:
    return node.table.source.text[node.span.start.offset : node.span.end.offset]


def key_written(node: Node) -> str | None:
    span = node.key_span
    return None if span is None else node.table.source.text[span.start.offset : span.end.offset]
