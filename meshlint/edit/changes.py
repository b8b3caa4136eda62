"""What a rule builds its fix from: operations on the values that it looked at, collected into edits.

    fix = Changes().set(kind, "HTTPRoute").remove(route.spec.get("http")).fix("Make it an HTTPRoute")

Operations come one after another, each on what the earlier ones left. Values are named by the nodes that the rule has, or
by a node and a path below it. If one of them cannot be done, none is: `fix` then gives None, and `refused` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Union

from meshlint.edit.document import Part, Path, known, same, stretches, with_value, without
from meshlint.edit.emit import Plain, Style, lines_of, spread
from meshlint.edit.operations import RefusedError, Writing
from meshlint.edit.pieces import Cut
from meshlint.edit.strings import LONG
from meshlint.model.node import Node, Step
from meshlint.model.position import Source
from meshlint.model.problem import Edit, Fix, NewFile
from meshlint.model.resource import Resource

Steps = Union[str, Sequence[Step]]
_ABSENT = "it is not there"
_TEMPLATE = "a template fills it in"


class Changes:
    """Operations on documents, and new files. Each operation gives this object again."""

    def __init__(self) -> None:
        self.refused: str | None = None
        self._parts: dict[tuple[str, int], Part] = {}
        self._sources: dict[str, Source] = {}
        self._behind: dict[tuple[str, int], list[str]] = {}
        self._files: list[NewFile] = []

    def set(self, node: Node, value: Plain, path: Steps = ()) -> Changes:
        """Another value in the place of one that is there. A string keeps the quotes of the one that it replaces."""
        return self._try(lambda: self._set(self._part(node), self._path(node, path), value))

    def set_key(self, mapping: Node, path: Steps, value: Plain, *, before: str | None = None) -> Changes:
        """A value below a mapping, whether it is there or not; mappings on the way are made. A new key is the last of its
        mapping, or stands before the one that `before` names."""
        return self._try(lambda: self._set_key(self._part(mapping), self._path(mapping, ()), _steps(path), value, before))

    def remove(self, node: Node, path: Steps = (), *, prune: bool = False) -> Changes:
        """Take an entry or an item away, with its comments. A mapping or list that becomes empty stays as {} or []; with
        `prune` it goes too, and so on upwards, but no list item and no document does."""
        return self._try(lambda: self._remove(self._part(node), self._path(node, path), prune))

    def append(self, node: Node, value: Plain, path: Steps = ()) -> Changes:
        """A new last item of a list; one that is absent at the path is made."""
        return self._try(lambda: self._append(self._part(node), self._path(node, ()), _steps(path), value))

    def rename(self, node: Node, key: str) -> Changes:
        """Another key for a value."""
        return self._try(lambda: self._rename(self._part(node), self._path(node, ()), key))

    def label(self, resource: Resource, name: str, value: str | None) -> Changes:
        """A label of an object as it is written; None takes it away. Refused where Kustomize sets it."""
        return self._try(lambda: self._metadata(resource, "labels", name, value))

    def annotation(self, resource: Resource, name: str, value: str | None) -> Changes:
        """The same of an annotation."""
        return self._try(lambda: self._metadata(resource, "annotations", name, value))

    def add_document(self, beside: Node, value: Plain) -> Changes:
        """A document behind the one that holds a node; of a List, an item at its end."""
        return self._try(lambda: self._add_document(beside, value))

    def remove_document(self, node: Node) -> Changes:
        """Take a whole object away: its document, or its item of a List. A file that holds nothing else is deleted, and the
        kustomizations that use it use it no more."""
        return self._try(lambda: self._remove_document(node.origin if node.exact else node))

    def add_object(self, beside: Resource, value: Plain) -> Changes:
        """An object where the repository's habits put it: where the file of `beside` holds several, behind `beside`; else in a
        file of its own, in the same folder, named as that one is, and used by the kustomizations that use it."""
        return self._try(lambda: self._add_object(beside, value))

    def new_file(self, path: str, values: Sequence[Plain], *, beside: Node | None = None) -> Changes:
        """A file with these documents; `path` counts from the root of the project. Written as, and used by the kustomizations
        that use, the file of `beside`. Where the path is taken, the name gets a number."""
        return self._try(lambda: self._new_file(path, values, beside))

    def fix(self, title: str, *, safe: bool = False) -> Fix | None:
        """The fix, applied whole or not at all. None: an operation was refused, or there is nothing to change."""
        if self.refused is not None:
            return None
        edits = [edit for file in self._sources for edit in self._edits(file)]
        return Fix(title, tuple(edits), tuple(self._files), safe) if edits or self._files else None

    def _try(self, do: Callable[[], None]) -> Changes:
        if self.refused is None:
            try:
                do()
            except RefusedError as error:
                self.refused = str(error)
        return self

    def _part(self, node: Node) -> Part:
        if not node.exact:
            raise RefusedError("its place in a file is not known exactly")
        table = node.origin.table
        key = (table.source.path, table.starts[0])
        if key not in self._parts:
            self._parts[key] = Part(table)
            self._sources.setdefault(table.source.path, table.source)
        return self._parts[key]

    def _path(self, node: Node, path: Steps) -> Path:
        if not node.present:
            raise RefusedError(_ABSENT)
        return (*self._part(node).now(node.origin.path), *_steps(path))

    def _set(self, part: Part, path: Path, value: Plain) -> None:
        row = part.row(path)
        if row is None:
            raise RefusedError(_ABSENT)
        old = part.value(path)
        if not known(old):
            raise RefusedError(_TEMPLATE)
        if isinstance(old, str) and isinstance(value, str) and old != value and self._in_places(part, path, row, old, value):
            return
        if not same(old, value):
            part.do(lambda writing: writing.set(row, value), with_value(part.whole(), path, value), _replaced(path))

    def _in_places(self, part: Part, path: Path, row: int, old: str, new: str) -> bool:
        """Change a long text only where it differs, if the way it is written allows that."""
        if len(old) < LONG and "\n" not in old:
            return False
        try:
            part.do(lambda writing: writing.change(row, old, new), with_value(part.whole(), path, new))
        except RefusedError:
            return False
        return True

    def _set_key(self, part: Part, start: Path, steps: Path, value: Plain, before: str | None) -> None:
        if not steps:
            raise RefusedError("the path names no key")
        path = (*start, *steps)
        if part.own_row(path) is not None:
            self._set(part, path, value)
            return
        above, made = path[:-1], value
        while (row := part.row(above)) is None and len(above) > len(start):
            made = {_key(path[len(above)]): made}
            above = above[:-1]
        if row is None:
            raise RefusedError(_ABSENT)
        self._add_key(part, above, row, _key(path[len(above)]), made, before if len(above) == len(path) - 1 else None)

    def _add_key(self, part: Part, above: Path, row: int, key: str, value: Plain, before: str | None) -> None:
        held = part.value(above)
        whole = with_value(part.whole(), (*above, key), value) if isinstance(held, dict) else None
        if held is None or held == {}:
            self._fill(part, above, row, {key: value})
        elif whole is None:
            raise RefusedError(_TEMPLATE if not known(held) else "there is another kind of value above it")
        else:
            place = part.own_row((*above, before)) if before is not None else None
            part.do(lambda writing: writing.add_entry(row, key, value, place), whole)

    def _fill(self, part: Part, path: Path, row: int, value: Plain) -> None:
        """Put something into what is null or empty."""
        whole = with_value(part.whole(), path, value)
        part.do(lambda writing: _filled(writing, row, value), whole, _replaced(path))

    def _append(self, part: Part, start: Path, steps: Path, value: Plain) -> None:
        path = (*start, *steps)
        row = part.row(path)
        if row is None:
            self._set_key(part, start, steps, [value], None)
            return
        held = part.value(path)
        if held is None or held == []:
            self._fill(part, path, row, [value])
        elif isinstance(held, list):
            part.do(lambda writing: writing.add_item(row, value), with_value(part.whole(), (*path, len(held)), value))
        else:
            raise RefusedError("there is another kind of value")

    def _remove(self, part: Part, path: Path, prune: bool) -> None:
        row = part.row(path)
        if row is None or not path:
            raise RefusedError(_ABSENT if path else "it is the whole document")
        if not known(part.value(path)):
            raise RefusedError(_TEMPLATE)
        above = path[:-1]
        held = part.value(above)
        if len(held) > 1:
            part.do(lambda writing: writing.take_out(row), without(part.whole(), path), _removed(path))
        elif prune and above and isinstance(above[-1], str):
            self._remove(part, above, prune)
        else:
            self._set(part, above, {} if isinstance(held, dict) else [])

    def _rename(self, part: Part, path: Path, key: str) -> None:
        row = part.row(path)
        above = part.value(path[:-1])
        if row is None or not isinstance(above, dict) or key in above:
            raise RefusedError(_ABSENT if row is None else "the key is there already" if isinstance(above, dict) else "it has no key")
        expected = with_value(without(part.whole(), path), (*path[:-1], key), part.value(path))
        part.do(lambda writing: writing.rename(row, key), expected, _renamed(path, key))

    def _metadata(self, resource: Resource, field: str, name: str, value: str | None) -> None:
        if (field, name) in resource.places:
            raise RefusedError("Kustomize sets it")
        part, path = self._part(resource.root), self._path(resource.root, ("metadata", field, name))
        if value is not None:
            self._set_key(part, path[:-3], path[-3:], value, None)
        elif part.own_row(path) is not None:
            self._remove(part, path, prune=True)

    def _add_document(self, beside: Node, value: Plain) -> None:
        part = self._part(beside)
        if beside.origin.path[:1] == ("items",):
            self._append(part, (), part.now(("items",)), value)
            return
        style = part.style()
        if style.json or part.inside:
            raise RefusedError("a JSON file holds one document")
        self._behind.setdefault((part.path, part.end), []).append(_document(value, style))

    def _remove_document(self, node: Node) -> None:
        path = self._path(node, ())
        part = self._part(node)
        if path[:1] == ("items",):
            self._remove(part, path[:2], False)
        elif part.inside:
            raise RefusedError("it stands inside of a string")
        else:
            part.clear()

    def _add_object(self, beside: Resource, value: Plain) -> None:
        from meshlint.edit.habits import file_name, holds_several

        root = beside.root.origin
        if root.path or holds_several(root.table.source):
            self._add_document(root, value)
        else:
            self._new_file(file_name(root, beside.kind.kind, beside.name, value), (value,), root)

    def _new_file(self, path: str, values: Sequence[Plain], beside: Node | None) -> None:
        style = self._part(beside).style() if beside is not None else Style()
        if path.lower().endswith(".json"):
            if len(values) != 1:
                raise RefusedError("a JSON file holds one document")
            text = spread(values[0], style, "") + style.newline
        else:
            style = style._replace(json=False)
            text = f"---{style.newline}".join(_text(value, style) for value in values)
        self._files.append(NewFile(path, text, beside.origin.file if beside is not None else ""))

    def _edits(self, file: str) -> list[Edit]:
        source = self._sources[file]
        parts = [part for (path, _), part in self._parts.items() if path == file]
        cuts: list[Cut] = [cut for part in parts for cut in part.cuts()]
        behind = any(path == file for path, _ in self._behind)
        gone = sum(part.gone for part in parts)
        if gone and not behind and gone == len(stretches(source)):
            return [Edit(file, source.span(0, len(source.text)), "")]
        for (path, end), documents in self._behind.items():
            if path == file:
                cuts.append((end, end, _joined(source.text, end, documents)))
        out: list[Edit] = []
        for start, end, text in sorted(cuts, key=lambda cut: cut[:2]):
            if out and out[-1].span.end.offset == start == out[-1].span.start.offset:
                out[-1] = out[-1]._replace(span=source.span(start, end), text=out[-1].text + text)
            else:
                out.append(Edit(file, source.span(start, end), text))
        return out


def _filled(writing: Writing, row: int, value: Plain) -> list[Cut]:
    """A first entry or item: of what is written as {} or [] in a flow collection, in its brackets."""
    at = writing.at
    if (at.in_flow(row) or at.json) and at.is_flow(row):
        if isinstance(value, dict):
            ((key, below),) = value.items()
            return writing.add_entry(row, key, below)
        assert isinstance(value, list)
        return writing.add_item(row, value[0])
    return writing.set(row, value)


def _text(value: Plain, style: Style) -> str:
    return "".join(f"{line}{style.newline}" for line in lines_of(value, style))


def _document(value: Plain, style: Style) -> str:
    return f"---{style.newline}{_text(value, style)}"


def _joined(text: str, end: int, documents: Sequence[str]) -> str:
    """New documents for the end of another one, which may lack its line break."""
    newline = "\r\n" if "\r\n" in text else "\n"
    return ("" if not end or text[end - 1] in "\r\n" else newline) + "".join(documents)


def _steps(path: Steps) -> Path:
    return (path,) if isinstance(path, str) else tuple(path)


def _key(step: Step) -> str:
    if isinstance(step, int):
        raise RefusedError(_ABSENT)
    return step


def _replaced(path: Path) -> Callable[[Path], Path]:
    """What stood below a value that was replaced is gone."""

    def move(other: Path) -> Path:
        if other[: len(path)] == path and len(other) > len(path):
            raise RefusedError("an earlier operation of the fix replaced it")
        return other

    return move


def _removed(path: Path) -> Callable[[Path], Path]:
    above, step = path[:-1], path[-1]

    def move(other: Path) -> Path:
        if other[: len(path)] == path:
            raise RefusedError("an earlier operation of the fix removed it")
        if isinstance(step, int) and len(other) > len(above) and other[: len(above)] == above:
            index = other[len(above)]
            if isinstance(index, int) and index > step:
                return (*above, index - 1, *other[len(path) :])
        return other

    return move


def _renamed(path: Path, key: str) -> Callable[[Path], Path]:
    return lambda other: (*path[:-1], key, *other[len(path) :]) if other[: len(path)] == path else other

