"""Names of routes: that of the VirtualService where it is free."""

from __future__ import annotations

from typing import Any

from meshlint.edit import names
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.resource import Resource
from meshlint.semantics.convert.stay import Stay

_SUBDOMAIN = 253
_ABOUT_ONE = ("kubectl.kubernetes.io/", "galley.istio.io/", "meshlint")


def route_name(service: Resource, kind: Kind, namespace: str, suffixes: tuple[str, ...], mesh: Mesh) -> str:
    """The first free name: no route of the kind has it, no other VirtualService there will want it."""
    base = service.name if service.namespace in ("", namespace) else f"{service.name}-{service.namespace}"
    suffix = "".join(f"-{part}" for part in suffixes)
    for name in (f"{base}{suffix}", f"{base}{suffix}-route"):
        cut = name if len(name) <= _SUBDOMAIN else names.label(name.replace(".", "-"), names.LABEL)
        other = mesh.find(Kind.VIRTUAL_SERVICE, namespace, cut)
        if mesh.find(kind, namespace, cut) is None and (other is None or other.identity == service.identity):
            return cut
    raise Stay(service.root.get("metadata", "name"), f"would become a {kind.kind} of a name that is taken ({base}{suffix})")


def metadata(name: str, namespace: str, like: Resource | None = None) -> dict[str, Any]:
    """Name and namespace; labels and annotations of the object that it takes the place of, without what tools wrote about that one."""
    out: dict[str, Any] = {"name": name, "namespace": namespace} if namespace else {"name": name}
    if like is not None:
        for field, entries in (("labels", like.labels), ("annotations", like.annotations)):
            kept = {key: value for key, value in entries.items() if not key.startswith(_ABOUT_ONE)}
            if kept:
                out[field] = kept
    return out
