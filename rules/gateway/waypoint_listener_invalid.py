"""ML405 waypoint-listener-invalid."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_BINDING = "ambient.istio.io/waypoint-inbound-binding"
_CLASSES = frozenset({"istio-waypoint", "istio-agentgateway-waypoint"})
_ORDINARY = frozenset({"istio", "istio-agentgateway"})
_LONGEST = 63


@rule(
    "ML405",
    "waypoint-listener-invalid",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=Kind.K8S_GATEWAY,
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (unexpectedWaypointListener, listenerProtocolToIstio)",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go (makeAllowedRoutes)",
        "istio@86c9f01:pilot/pkg/config/kube/gateway/testdata/waypoint.status.yaml.golden",
    ],
    remedy="Give the waypoint exactly one listener: port 15008, protocol HBONE.",
    points_to=[],
)
def waypoint_listener_invalid(gateway: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A waypoint has another listener than the one on port 15008 with protocol HBONE, or an ordinary Gateway has an HBONE one.

    The controller recognises just that one shape as a waypoint. ztunnel always sends to port 15008: another port leaves
    all bound Services unreachable at the waypoint, and further listeners are leftovers of an ingress Gateway that are not
    accepted. HBONE on a Gateway of class istio is refused: it makes no waypoint of it.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15018 # expect: ML405
          protocol: HBONE
    ```

    Remedy: the canonical listener:

        listeners: [{name: mesh, port: 15008, protocol: HBONE}]

    The fix writes it into a waypoint's only listener, if that says nothing but name, port and protocol (and whom it admits):
    safe, for nothing came through it. It takes a listener beside a usable one away, and makes an ordinary Gateway whose only
    listener is HBONE on 15008 a waypoint; both need a look, because what was meant is not known here. There is none in other
    cases. An error where the waypoint has no usable listener; a warning for a listener beside a usable one. A name of more
    than 63 characters cannot be that of the Service which istiod makes: an error.

    Not reported when: the Gateway says where it takes connections by the annotation ambient.istio.io/waypoint-inbound-binding,
    is of class istio-east-west (whose listeners have rules of their own) or istio-remote (which only tells where another network's
    gateway is: its HBONE listener is what ambient looks for), or is run by another controller.
    """
    name = gateway.spec.get("gatewayClassName").text
    if name in _ORDINARY:
        yield from _hbone_elsewhere(gateway, name or "")
    if name not in _CLASSES or gateway.annotations.get(_BINDING):
        return
    listeners = list(gateway.spec.each("listeners"))
    usable = any(_odd(listener) is None for listener in listeners)
    for listener in listeners:
        if (odd := _odd(listener)) is not None and odd:
            severity = None if not usable else Severity.WARNING
            fix = partial(_fix, listener, len(listeners), usable)
            yield Problem(odd, _said(gateway, listener, usable), severity, fix=fix, final=not usable)
    if len(gateway.name) > _LONGEST:
        message = f"The name of waypoint {gateway.title} has {len(gateway.name)} characters; the Service made for it can have {_LONGEST}."
        yield Problem(gateway.root.get("metadata", "name"), message, remedy="Give it a shorter name.", final=True)


def _odd(listener: Node) -> Node | None:
    """What keeps a listener from being the waypoint's; an unknown node where a template decides."""
    port, protocol = listener.get("port"), listener.get("protocol")
    if port.unknown or protocol.unknown or listener.unknown:
        return None
    if protocol.text != "HBONE":
        return protocol if protocol else listener
    return None if port.value == 15008 else port if port else listener


def _said(gateway: Resource, listener: Node, usable: bool) -> str:
    shape = f"port {listener.get('port').value}, protocol {listener.get('protocol').text}"
    if usable:
        name = listener.get("name").text or ""
        return f"{gateway.title} is a waypoint, and its listener {name} ({shape}) is not accepted: only HBONE on 15008 is."
    end = "what is bound to it does not get through"
    return f"{gateway.title} is a waypoint without an HBONE listener on port 15008 (it has {shape}): {end}."


def _hbone_elsewhere(gateway: Resource, name: str) -> Iterator[Problem]:
    for listener in gateway.spec.each("listeners"):
        if listener.get("protocol").text == "HBONE":
            yield Problem(
                listener.get("protocol"),
                f"{gateway.title} is of class {name}, where istiod refuses the protocol HBONE: this listener is not accepted, and the "
                "Gateway is no waypoint.",
                remedy="Use gatewayClassName: istio-waypoint for a waypoint, and leave the listener out of an ingress Gateway.",
                fix=partial(_elsewhere, gateway, listener),
                final=True,
            )


def _fix(listener: Node, count: int, usable: bool) -> Fix | None:
    if usable:
        return changes().remove(listener).fix("Take the listener away")
    if count > 1 or any(key not in ("name", "port", "protocol", "allowedRoutes") for key, _ in listener.items()):
        return None
    made = changes().set_key(listener, "port", 15008).set_key(listener, "protocol", "HBONE")
    return made.fix("Write the listener of a waypoint", safe=listener.get("protocol").text == "HBONE")


def _elsewhere(gateway: Resource, listener: Node) -> Fix | None:
    if len(list(gateway.spec.each("listeners"))) > 1:
        return changes().remove(listener).fix("Take the listener away")
    if listener.get("port").value != 15008:
        return None
    return changes().set(gateway.spec.get("gatewayClassName"), "istio-waypoint").fix("Make it a waypoint")
