"""Labels and annotations that Kustomize gives: their values, and where each is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

from meshlint.model.node import Node, scalar_text
from meshlint.render.draft import Draft

Entry = tuple[str, str, Node]  # the field (labels, annotations, pods), the key and its value
_Values = dict[str, Union[str, None]]


class Given:
    """What a level or patch makes of labels, annotations and pod labels. A null takes an entry away; of a value that a
    template fills in, nothing but the place is known."""

    __slots__ = ("_fields", "_places")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._fields: dict[str, _Values] = {"labels": {}, "annotations": {}, "pods": {}}
        self._places: dict[tuple[str, str], Node | None] = {}
        for field, key, value in entries:
            self.set(field, key, value)

    def __bool__(self) -> bool:
        return bool(self._places)

    def take(self, field: str, entries: Node) -> None:
        for key, value in entries.items():
            if not value.is_map and not value.is_list:
                self.set(field, key, value)

    def set(self, field: str, key: str, value: Node) -> None:
        self._fields[field][key] = scalar_text(value.value) if value else None
        self._places[field, key] = value if value or value.unknown else None

    def on(self, draft: Draft) -> Draft:
        if not self._places:
            return draft
        fields = self._fields
        return draft._replace(
            labels={**draft.labels, **fields["labels"]},
            annotations={**draft.annotations, **fields["annotations"]},
            pods={**draft.pods, **fields["pods"]},
            places={**draft.places, **self._places},
        )
