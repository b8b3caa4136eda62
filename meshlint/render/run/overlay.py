"""What an application adds to a kustomization, in the form of Argo CD or of Flux, as fields of a kustomization."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from meshlint.model.node import Node
from meshlint.render.run.plain import plain

_TEXTS = ("namespace", "namePrefix", "nameSuffix")
_OLD = ("patchesStrategicMerge", "patchesJson6902")
_MAPS = ("commonLabels", "commonAnnotations")
_ENTRIES = ("patches", "components", "labels", "annotations", "images", "replicas", *_OLD)
_ANNOTATED = {  # Flux annotates objects, and leaves their templates alone
    "apiVersion": "builtin", "kind": "AnnotationsTransformer", "metadata": {"name": "given"},
    "fieldSpecs": [{"path": "metadata/annotations", "create": True}],
}  # fmt: skip


def overlay_of(overlay: Sequence[tuple[str, Node]]) -> dict[str, Any]:
    """The fields; of a field that comes again, the entries of all, or the last text."""
    out: dict[str, Any] = {}
    for key, node in overlay:
        value = plain(node)
        if key in _TEXTS and isinstance(value, (str, int)):
            out[key] = str(value)
        elif key in _MAPS and isinstance(value, dict):
            out[key] = {**out.get(key, {}), **_pairs(value)}
        elif key in _ENTRIES and isinstance(value, (dict, list)):
            field, entries = _entries(key, value)
            out[field] = [*out.get(field, ()), *entries]
    return out


def _entries(key: str, value: Any) -> tuple[str, list[Any]]:
    """A field of kustomizations, and what goes into its list."""
    if isinstance(value, dict):
        if key == "annotations":
            return "transformers", [json.dumps({**_ANNOTATED, "annotations": _pairs(value)})]
        return key, [{"pairs": _pairs(value), "includeSelectors": False}] if key == "labels" else []
    if key in _OLD:
        return "patches", [_patch(item) for item in value]
    if key == "images":
        return key, [_image(item) if isinstance(item, str) else item for item in value]
    if key == "replicas":
        return key, [_replicas(item) for item in value if isinstance(item, dict)]
    return key, value if key != "annotations" else []


def _pairs(value: dict[str, Any]) -> dict[str, str]:
    return {name: _text(text) for name, text in value.items()}


def _patch(item: Any) -> Any:
    """A patch that is written as data, in the form that takes a text."""
    if not isinstance(item, dict):
        return {"patch": item if isinstance(item, str) else ""}
    if "patch" in item and "target" in item:
        written = item["patch"]
        return {"target": item["target"], "patch": written if isinstance(written, str) else json.dumps(written)}
    return {"patch": json.dumps(item)}


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _image(text: str) -> dict[str, str]:
    """Argo CD's `[name=]new[:tag|@digest]`."""
    name, sign, new = text.partition("=")
    new = new if sign else name
    out: dict[str, str] = {}
    image, at, digest = new.partition("@")
    head, colon, tag = image.rpartition(":")
    if colon and "/" not in tag:
        image = head
        if not at:
            out["newTag"] = tag
    if at:
        out["digest"] = digest
    if sign:
        out["newName"] = image
    return {"name": name if sign else image, **out}


def _replicas(item: dict[str, Any]) -> dict[str, Any]:
    count = item.get("count")
    return {**item, "count": int(count) if isinstance(count, str) and count.isdigit() else count}
