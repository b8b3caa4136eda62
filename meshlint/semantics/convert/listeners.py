"""Servers of an Istio Gateway as listeners of a Kubernetes Gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshlint.edit import names
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert.stay import Stay, only

_PROTOCOLS = {"HTTP": "HTTP", "HTTP2": "HTTP", "GRPC": "HTTP", "GRPC-WEB": "HTTP", "HTTPS": "HTTPS", "TLS": "TLS", "TCP": "TCP"}
_SERVER = frozenset({"port", "hosts", "tls", "name"})
_TLS = frozenset({"mode", "credentialName", "httpsRedirect"})
_MODE = "gateway.istio.io/tls-terminate-mode"


class Listener(NamedTuple):
    """`section`: which rules of VirtualServices it serves (http, tls, tcp); "redirect": none, it sends everything to https.
    `namespaces`: whose routes it takes (All, Same, or a name behind =)."""

    name: str
    port: int
    protocol: str
    hostname: str
    section: str
    namespaces: str
    tls: dict[str, Any] | None
    at: Node

    def document(self) -> dict[str, Any]:
        out: dict[str, Any] = {"name": self.name, "port": self.port, "protocol": self.protocol}
        if self.hostname:
            out["hostname"] = self.hostname
        if self.tls is not None:
            out["tls"] = self.tls
        return {**out, "allowedRoutes": {"namespaces": _allowed(self.namespaces)}}


def _allowed(namespaces: str) -> dict[str, Any]:
    if namespaces.startswith("="):
        return {"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": namespaces[1:]}}}
    return {"from": namespaces}


def listeners_of(gateway: Resource, mesh: Mesh, secrets_in: str) -> list[Listener]:
    """The listeners of all servers. `secrets_in`: the namespace of the gateway's pods, where credentials are; empty: as the Gateway."""
    out: list[Listener] = []
    for server in gateway.spec.each("servers"):
        for listener in _of_server(server, gateway, mesh, secrets_in):
            twin = next(
                (one for one in out if (one.port, one.protocol, one.hostname) == (listener.port, listener.protocol, listener.hostname)),
                None,
            )
            if twin is None:
                out.append(listener)
            elif (twin.section, twin.namespaces, twin.tls) != (listener.section, listener.namespaces, listener.tls):
                raise Stay(
                    listener.at, f"has two servers for port {listener.port} and host {listener.hostname or '*'}, and a Gateway one listener"
                )
    ports: dict[int, str] = {}
    for one in out:
        if ports.setdefault(one.port, one.protocol) != one.protocol:
            raise Stay(one.at, f"has servers of different protocols on port {one.port}")
    if not out:
        raise Stay(gateway.spec.get("servers"), "has no servers")
    if len(out) > 64:
        raise Stay(gateway.spec.get("servers"), f"needs {len(out)} listeners, and a Gateway has at most 64")
    return out


def _of_server(server: Node, gateway: Resource, mesh: Mesh, secrets_in: str) -> Iterator[Listener]:
    only(server, _SERVER, "has a server that")
    only(server.get("tls"), _TLS, "has a server whose tls")
    only(server.get("port"), frozenset({"number", "protocol", "name"}), "has a server whose port")
    written = (server.get("port", "protocol").text or "").upper()
    protocol, port = _PROTOCOLS.get(written), server.get("port", "number").value
    if protocol is None or not isinstance(port, int):
        raise Stay(server.get("port"), f"has a server of protocol {written or '(none)'}, and a listener cannot")
    protocol, section, tls = _secured(server, protocol, gateway, secrets_in)
    if mesh.target.listener_gated(protocol) and not mesh.target.alpha_flag:
        raise Stay(
            server.get("port", "protocol"),
            f"has a {protocol} server, and istiod takes such listeners only with PILOT_ENABLE_ALPHA_GATEWAY_API=true",
        )
    for host in server.each("hosts"):
        namespace, slash, name = (host.text or "").rpartition("/")
        namespaces = _namespaces(namespace if slash else "*", gateway, section)
        hostname = "" if name == "*" else name.lower()
        parts = [protocol.lower(), str(port), hostname.replace("*", "any").replace(".", "-")]
        yield Listener(names.joined(*parts), port, protocol, "" if protocol == "TCP" else hostname, section, namespaces, tls, host)


def _namespaces(written: str, gateway: Resource, section: str) -> str:
    """Whose routes a listener takes. The route that redirects to https stands beside the Gateway."""
    if section == "redirect" or written in (".", gateway.namespace):
        return "Same"
    return "All" if written == "*" else f"={written}"


def _secured(server: Node, protocol: str, gateway: Resource, secrets_in: str) -> tuple[str, str, dict[str, Any] | None]:
    """Protocol, section and tls of the listener."""
    tls = server.get("tls")
    if protocol == "HTTP":
        if tls.get("mode").value or tls.get("credentialName").value:
            raise Stay(tls, "has tls for a server of protocol HTTP")
        return protocol, "redirect" if tls.get("httpsRedirect").value is True else "http", None
    if protocol == "TCP" and not tls.value:
        return protocol, "tcp", None
    mode = tls.get("mode").text or "PASSTHROUGH"
    if tls.get("httpsRedirect").value is True:
        raise Stay(tls.get("httpsRedirect"), "redirects a server with tls to https")
    if mode == "PASSTHROUGH" and protocol in ("HTTPS", "TLS"):
        return "TLS", "tls", {"mode": "Passthrough"}
    if mode not in ("SIMPLE", "MUTUAL") or protocol != "HTTPS":
        raise Stay(
            tls.get("mode") if tls.get("mode") else server,
            f"has tls mode {mode} for protocol {protocol}, which a listener has no field for",
        )
    name = tls.get("credentialName").text
    if not name:
        raise Stay(tls, "has a certificate in a file, and a listener names a Secret", "Put it into a Secret and name it as credentialName.")
    ref = {"name": name, **({"namespace": secrets_in} if secrets_in and secrets_in != gateway.namespace else {})}
    options = {"options": {_MODE: "MUTUAL"}} if mode == "MUTUAL" else {}
    return protocol, "http", {"mode": "Terminate", "certificateRefs": [ref], **options}
