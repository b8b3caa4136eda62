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
_LISTS = ("patches", "components")


def overlay_of(overlay: Sequence[tuple[str, Node]]) -> dict[str, Any]:
    """The fields; of a field that comes again, the entries of all, or the last text."""
    out: dict[str, Any] = {}
    for key, node in overlay:
        value = plain(node)
        if key in _TEXTS and isinstance(value, (str, int)):
            out[key] = str(value)
        elif key in _MAPS and isinstance(value, dict):
            out[key] = {**out.get(key, {}), **{name: _text(text) for name, text in value.items()}}
        elif key in _LISTS and isinstance(value, list):
            out[key] = [*out.get(key, ()), *value]
        elif key == "labels" and isinstance(value, dict):
            pairs = {name: _text(text) for name, text in value.items()}
            out[key] = [*out.get(key, ()), {"pairs": pairs, "includeSelectors": False}]
        elif key == "labels" and isinstance(value, list):
            out[key] = [*out.get(key, ()), *value]
        elif key in _OLD and isinstance(value, list):
            out["patches"] = [*out.get("patches", ()), *(_patch(item) for item in value)]
        elif key == "images" and isinstance(value, list):
            out[key] = [*out.get(key, ()), *(_image(item) if isinstance(item, str) else item for item in value)]
        elif key == "replicas" and isinstance(value, list):
            out[key] = [*out.get(key, ()), *(_replicas(item) for item in value if isinstance(item, dict))]
    return out


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
