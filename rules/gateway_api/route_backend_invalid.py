"""ML808 route-backend-invalid."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import ROUTES, Confidence, Host, HostKind, Impact, Kind, Mesh, Node, Problem, Resource, Severity, close_name, rule

_ISTIO = "networking.istio.io"
_SERVICE, _HOSTNAME = ("", "Service"), (_ISTIO, "Hostname")
_OTHERS = frozenset({
    ("multicluster.x-k8s.io", "ServiceImport"), ("inference.networking.k8s.io", "InferencePool"),
    ("inference.networking.x-k8s.io", "InferencePool"), ("gateway.networking.x-k8s.io", "XBackend"),
})  # fmt: skip
_SHARE = "its share of the traffic is answered with an error (500)"


@rule(
    "ML808",
    "route-backend-invalid",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=ROUTES,
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.VIRTUAL_SERVICE,
           Kind.DESTINATION_RULE],
    evidence="code",
    sources=["istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (buildDestination)"],
    remedy="Name the Service by its name, namespace and port.",
)  # fmt: skip
def route_backend_invalid(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A backendRef of a route (or of its mirror) cannot be resolved: a DNS name in place of a Service's name, no port, a port
    or Service that does not exist, or a kind that Istio takes no traffic to.

    A VirtualService's host is a DNS name; a backendRef wants the name of an object, and a port. Conversions that keep the
    DNS name make invalid references, and Istio answers their share of the traffic with 500.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      parentRefs:
        - name: edge
      rules:
        - backendRefs:
            - name: reviews.bookinfo.svc.cluster.local # expect: ML808
              port: 9080
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: edge
      namespace: bookinfo
    spec:
      gatewayClassName: istio
      listeners:
        - name: http
          port: 80
          protocol: HTTP
    ```

    Remedy: name, namespace and port of the Service; for a host that only a ServiceEntry declares, Istio's own kind:

        backendRefs:
        - {name: reviews, namespace: prod, port: 9080}
        - {group: networking.istio.io, kind: Hostname, name: httpbin.org, port: 443}

    There is no automatic fix: which of several ports was meant is not always written.

    A note of low confidence where a Service is not in the repository although others of its namespace are, except where one
    of them has nearly the same name. Not reported when: the repository holds no Service of the namespace; weight is 0 (Istio
    leaves such a reference out); the kind is ServiceImport, InferencePool or XBackend; the route is not Istio's to run.
    """
    if not mesh.istio_runs(route):
        return
    for ref in _references(route):
        if ref.get("weight").value != 0 and not any(ref.get(field).unknown for field in ("group", "kind", "name", "namespace")):
            yield from _judge(route, ref, mesh)


def _references(route: Resource) -> Iterator[Node]:
    for entry in route.spec.each("rules"):
        yield from entry.each("backendRefs")
        yield from entry.each("filters", "requestMirror", "backendRef")


def _judge(route: Resource, ref: Node, mesh: Mesh) -> Iterator[Problem]:
    kind = (ref.get("group").text or "", ref.get("kind").text or "Service")
    name = ref.get("name").text
    if name is None or kind in _OTHERS:
        return
    said = f"{route.title} has the backend {name}"
    if kind == _HOSTNAME:
        yield from _hostname(said, route, ref, mesh)
    elif kind != _SERVICE:
        what = f"kind {kind[1]} of group \"{kind[0]}\", which Istio accepts no backend of: {_SHARE}"
        remedy = "Use group: networking.istio.io, kind: Hostname with a host of the ServiceEntry." if kind[1] == "ServiceEntry" else None
        yield Problem(ref.get("kind") or ref.get("name"), f"{said} of {what}.", remedy=remedy, final=True)
    elif "." in name:
        message = f"{said}, a DNS name: a backendRef takes the name of a Service, so the whole rule is refused."
        yield Problem(ref.get("name"), message, remedy=_split(name), final=True)
    elif not ref.get("port").present:
        yield _portless(said, ref)
    else:
        yield from _service(said, route, ref, mesh)


def _portless(said: str, ref: Node) -> Problem:
    message = f"{said} without a port, which a backendRef needs: the whole rule is refused."
    return Problem(ref.get("name"), message, remedy="Add the port.", final=True)


def _hostname(said: str, route: Resource, ref: Node, mesh: Mesh) -> Iterator[Problem]:
    if ref.get("namespace").present:
        message = f"{said} of kind Hostname with a namespace: the whole rule is refused."
        yield Problem(ref.get("namespace"), message, remedy="Leave the namespace out: a Hostname is a full DNS name.", final=True)
    elif not ref.get("port").present:
        yield _portless(said, ref)
    elif mesh.host(ref.get("name"), route).kind is HostKind.EXTERNAL:
        yield Problem(
            ref.get("name"),
            f"{said} of kind Hostname, and no ServiceEntry of the repository declares that host: if none does, {_SHARE}.",
            confidence=Confidence.MEDIUM if mesh.all(Kind.SERVICE_ENTRY) else Confidence.LOW,
            severity=None if mesh.all(Kind.SERVICE_ENTRY) else Severity.WARNING,
            remedy="Add a ServiceEntry for the host.",
            final=True,
        )


def _service(said: str, route: Resource, ref: Node, mesh: Mesh) -> Iterator[Problem]:
    host = mesh.backend_host(route, ref)
    if host.service is None:
        yield from _absent(said, ref, host, mesh)
        return
    ports = list(host.service.spec.each("ports"))
    written = ref.get("port")
    known = [port.get("port").value for port in ports]
    if not ports or not isinstance(written.value, int) or any(not isinstance(value, int) for value in known) or written.value in known:
        return
    target = next((port for port in ports if port.get("targetPort").value == written.value), None)
    hint = f" ({written.value} is the targetPort of port {target.get('port').value})" if target is not None else ""
    listed = ", ".join(str(value) for value in known)
    yield Problem(
        written,
        f"{said} on port {written.value}, which {host.service.title} does not have (it has {listed}){hint}: requests to it fail.",
        related=((ports[0], "the ports of the Service"),),
        remedy=f"Write port: {target.get('port').value}." if target is not None else f"Write a port of the Service: {listed}.",
        final=True,
    )


def _absent(said: str, ref: Node, host: Host, mesh: Mesh) -> Iterator[Problem]:
    if host.kind is not HostKind.ASSUMED or not mesh.knows(host) or not host.namespace:
        return
    names = [service.name for service in mesh.all(Kind.SERVICE) if service.namespace == host.namespace]
    close = close_name(ref.get("name").text or "", names)
    sure = close is not None and not mesh.elsewhere(Kind.SERVICE)
    yield Problem(
        ref.get("name"),
        f"{said}, and the repository holds Services of namespace {host.namespace}, but none of that name: if there is none, {_SHARE}.",
        severity=None if sure else Severity.NOTE,
        confidence=Confidence.MEDIUM if sure else Confidence.LOW,
        remedy=f"Did you mean {close}?" if close else "Correct the name, or name the Service in assume.services of the configuration.",
        final=True,
    )


def _split(name: str) -> str:
    parts = name.split(".")
    if len(parts) > 2 and parts[2] == "svc":
        return f"Write name: {parts[0]}, namespace: {parts[1]}, and the port."
    return "Write the Service's name (and namespace and port); for another host use group: networking.istio.io, kind: Hostname."
