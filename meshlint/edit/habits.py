"""Where a repository puts an object: what the file of another one tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from meshlint.edit.document import stretches
from meshlint.edit.emit import Plain
from meshlint.edit.names import for_file
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node
from meshlint.model.position import Source

_SHORT: Final = {
    "VirtualService": ("vs",), "DestinationRule": ("dr",), "Gateway": ("gw",), "ServiceEntry": ("se",), "Service": ("svc",),
    "Deployment": ("deploy",), "Namespace": ("ns",), "AuthorizationPolicy": ("authz", "ap", "authz-policy"),
    "PeerAuthentication": ("pa", "peerauth", "peer-auth"), "RequestAuthentication": ("ra", "requestauth"), "ConfigMap": ("cm",),
    "NetworkPolicy": ("netpol", "np"), "ServiceAccount": ("sa",), "EnvoyFilter": ("ef",), "StatefulSet": ("sts",),
    "DaemonSet": ("ds",),
}  # fmt: skip
_WORDS: Final = lazy_regex(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+")


def holds_several(source: Source) -> bool:
    """Does a file hold more than one document?"""
    return len(stretches(source)) > 1


def file_name(beside: Node, old_kind: str, old_name: str, value: Plain) -> str:
    """The path of a new object's file: that of another object's, with kind and name in the places of that one's."""
    kind, name = _text(value, "kind"), _text(_below(value, "metadata"), "name")
    name = for_file(name) if name else ""
    folder, slash, file = beside.file.rpartition("/")
    stem, dot, ending = file.rpartition(".")
    found = _kind_in(stem, old_kind, old_name)
    if found is None:
        about = _with_name(stem, old_name, name) if _is_about(stem, old_name) or not name else name
        stem = f"{about}-{_words(kind, '-' if '-' in stem else '')}"
    else:
        start, end, joint, upper = found
        word = stem[start:end] if kind == old_kind else kind if upper else _words(kind, joint)
        stem = f"{_with_name(stem[:start], old_name, name)}{word}{_with_name(stem[end:], old_name, name)}"
        if stem == word and kind != old_kind and name not in ("", old_name, "default"):
            stem = f"{name}{joint or '-'}{word}"
        if kind == old_kind and name and name not in stem:
            stem = f"{stem}-{name}"
    return f"{folder}{slash}{stem}{dot}{ending}"


def _kind_in(stem: str, kind: str, name: str) -> tuple[int, int, str, bool] | None:
    """Where a file's name says the kind: start, end, what joins its words, whether it is written as the kind is."""
    for joint in ("", "-", "_", "."):
        for word in (_words(kind, joint), *(_SHORT.get(kind, ()) if not joint else ())):
            match = re.search(rf"(?:(?<=[-_.])|\A){re.escape(word)}s?(?=[-_.]|\Z)", stem, re.IGNORECASE)
            if match and stem[match.start() : match.end()] != name:
                return match.start(), match.end(), joint, match[0].startswith(kind)
    return None


def _is_about(stem: str, name: str) -> bool:
    """Does a file's name say a word of its object's name? Else it tells nothing that holds for another object."""
    words = re.split(r"[-_.]", stem.lower())
    return any(word in words for word in re.split(r"[-_.]", name.lower()) if word)


def _words(kind: str, joint: str) -> str:
    """HTTPRoute as httproute, http-route ..."""
    return joint.join(word.lower() for word in _WORDS.findall(kind))


def _with_name(part: str, old: str, new: str) -> str:
    return re.sub(rf"(?:(?<=[-_.])|\A){re.escape(old)}(?=[-_.]|\Z)", lambda _: new, part) if old and new and old in part else part


def _below(value: Plain, key: str) -> Plain:
    return value.get(key) if isinstance(value, Mapping) else None


def _text(value: Plain, key: str) -> str:
    found = _below(value, key)
    return found if isinstance(found, str) else ""
