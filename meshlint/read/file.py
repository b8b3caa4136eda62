"""One file: its documents, and what could not be read of it. Never raises for what a file holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from meshlint.model.document import Document, FileRead, Trouble
from meshlint.model.file_names import HELM_IGNORE
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Table
from meshlint.model.position import Source, Span
from meshlint.read.compose import compose
from meshlint.read.decode import LIMIT, decode, read_bytes
from meshlint.read.documents import documents_of, without_version
from meshlint.read.errors import ReadError
from meshlint.read.guess import guess_groups, guess_kinds, said
from meshlint.read.inner import with_inner
from meshlint.read.partial import cut, later
from meshlint.read.placeholders import is_bare, is_template
from meshlint.read.prescan import LATER, PARSE, Part, plan
from meshlint.read.split import Piece, compose_pieces

TEMPLATE_REASON: Final = "template that does not parse as YAML"

_CONTENT: Final = lazy_regex(r"^(?!---|%|\.\.\.)[ \t]*([^#\s][^\r\n]*)", re.MULTILINE)


def read_file(full_path: str, shown_path: str, limit: int = LIMIT, parse_all: bool = False) -> FileRead:
    """Read the file at `full_path`; everything it gives names `shown_path` (relative to the root, posix).

    A file of more than `limit` bytes is not read. `parse_all`: documents of kinds that nothing reads are parsed too.
    """
    try:
        content = read_bytes(full_path, limit)
    except ReadError as refused:
        return _unread(shown_path, refused.rule, refused.message)
    except OSError as error:
        return _unread(shown_path, "unreadable-file", (error.strerror or "cannot be opened").lower())
    return read_content(content, shown_path, parse_all)


def read_content(content: bytes, shown_path: str, parse_all: bool = False) -> FileRead:
    """Read the bytes of a file."""
    try:
        text = decode(content)
    except ReadError as refused:
        return _unread(shown_path, refused.rule, refused.message)
    return read_text(text, shown_path, parse_all)


def _unread(path: str, rule: str, message: str) -> FileRead:
    return FileRead(path, None, (), (Trouble(rule, path, None, message),), message)


def read_text(text: str, shown_path: str, parse_all: bool = False) -> FileRead:
    """Read a text as the file `shown_path`."""
    text = text.removeprefix("\ufeff")
    if not text.isascii() and _surrogates(text):
        return _unread(shown_path, "unreadable-file", "holds characters that are no Unicode text")
    source = Source(shown_path, text)
    if shown_path.endswith(HELM_IGNORE):
        return FileRead(shown_path, source, ())
    parts = None if parse_all else plan(text)
    if parts is not None and (read := _read_parts(source, parts)) is not None:
        return read
    pieces = compose_pieces(text, source)
    if any(piece.refused for piece in pieces):
        if tables := _as_json(source):
            pieces = [Piece(0, len(text), tables, None)]
        elif _foreign_json(source):
            return FileRead(shown_path, source, ())
    documents, troubles = _documents(pieces)
    return _with_broken(source, documents, troubles, pieces)


def _read_parts(source: Source, parts: list[Part]) -> FileRead | None:
    """Read what has to be read of a text; None where something in it is broken."""
    documents: list[Document] = []
    troubles: list[Trouble] = []
    try:
        for part in parts:
            if part.how is PARSE:
                tables = compose(source.text[part.start : part.end], source, part.start)
                found, told = _documents([Piece(part.start, part.end, tables, None)])
                documents += found
                troubles += told
            else:
                documents.append((later if part.how is LATER else cut)(source, part))
    except ReadError:
        return None
    return _with_broken(source, documents, troubles, [])


def tables_of(source: Source) -> list[Table]:
    """The documents of a text; none where a part of it is broken."""
    pieces = compose_pieces(source.text, source)
    if any(piece.refused for piece in pieces):
        return _as_json(source)
    return [table for piece in pieces for table in piece.tables]


def _surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _as_json(source: Source) -> list[Table]:
    """What libyaml refused, read as JSON if it looks like it; nothing where it is none."""
    if not source.path.lower().endswith(".json") and source.text.lstrip()[:1] not in ("{", "["):
        return []
    from meshlint.read.json_text import compose_json

    try:
        return compose_json(source.text, source)
    except ReadError:
        return []


def _foreign_json(source: Source) -> bool:
    """JSON with comments and the like, which other tools read, is not ours unless it looks like a manifest."""
    return source.path.lower().endswith(".json") and not ('"apiVersion"' in source.text and '"kind"' in source.text)


def _documents(pieces: list[Piece]) -> tuple[list[Document], list[Trouble]]:
    documents: list[Document] = []
    troubles: list[Trouble] = []
    for piece in pieces:
        for table in piece.tables:
            for document in documents_of(table):
                full, inner_troubles = with_inner(document)
                documents.append(full)
                troubles += inner_troubles
                if (trouble := without_version(document)) is not None:
                    troubles.append(trouble)
    return documents, troubles


def _with_broken(source: Source, documents: list[Document], troubles: list[Trouble], pieces: list[Piece]) -> FileRead:
    """Say what is broken: as an error of the text, or as a template that must be rendered first."""
    template = is_template(source.text)
    excused = template or "/templates/" in f"/{source.path}"
    broken = [(piece, piece.refused) for piece in pieces if piece.refused is not None]
    errors = [error for _, error in broken if not excused or error.rule != "yaml-syntax"]
    unrendered = [piece for piece, error in broken if excused and error.rule == "yaml-syntax"]
    troubles += [Trouble(error.rule, source.path, _point(source, error.offset), error.described(source)) for error in errors]
    if not broken or documents:
        troubles += [_not_analysed(source, unrendered)] if unrendered else []
        return FileRead(source.path, source, tuple(documents), tuple(troubles), template=template, bare=template and is_bare(source.text))
    if unrendered:
        troubles.append(_not_analysed(source, [Piece(unrendered[0].start, len(source.text), [], None)]))
    reason = errors[0].described(source) if errors else TEMPLATE_REASON
    return FileRead(source.path, source, (), tuple(troubles), reason, guess_kinds(source.text), template, template)


def _not_analysed(source: Source, pieces: Sequence[Piece]) -> Trouble:
    """One for all pieces of a file; it stands at the first."""
    texts = [source.text[piece.start : piece.end] for piece in pieces]
    kinds = tuple(sorted({kind for text in texts for kind in (*guess_kinds(text), *guess_groups(text))}))
    several = (f"{len(pieces)} templates that do not parse as YAML", "they seem")
    reason, they = (TEMPLATE_REASON, "it seems") if len(pieces) == 1 else several
    what = f" ({they} to hold {said(kinds)})" if kinds else ""
    first = _CONTENT.search(source.text, pieces[0].start, pieces[0].end)
    span = source.span(first.start(1), first.end(1)) if first else _point(source, pieces[0].start)
    return Trouble("not-analysed", source.path, span, reason + what, kinds)


def _point(source: Source, offset: int) -> Span:
    """A place in the text, one character wide where its line has one."""
    start = source.position(offset)
    line_end = source.line_starts[start.line] + len(source.line(start.line))
    return source.span(start.offset, max(start.offset, min(start.offset + 1, line_end)))
