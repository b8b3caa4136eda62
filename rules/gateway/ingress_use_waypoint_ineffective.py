"""ML411 ingress-use-waypoint-ineffective."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, WaypointState, rule

_LABEL = "istio.io/ingress-use-waypoint"
_FLAG = "ENABLE_INGRESS_WAYPOINT_ROUTING"
_TRUE = frozenset({"true", "True", "TRUE", "t", "T", "1"})  # what Go's ParseBool takes
_FALSE = frozenset({"false", "False", "FALSE", "f", "F", "0"})
_ALLOCATE = "networking.istio.io/enable-autoallocate-ip"


@rule(
    "ML411",
    "ingress-use-waypoint-ineffective",
    Severity.ERROR,
    impact=Impact.UNENFORCED,
    each=(Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE),
    reads=[Kind.K8S_GATEWAY, Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.HELM_RELEASE],
    evidence="code",
    needs=[_LABEL],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/services.go (ingressUseWaypointFromLabels)",
        "istio@86c9f01:pilot/pkg/xds/endpoints/endpoint_builder.go (findServiceWaypoint, FromServiceEndpoints)",
        "https://istio.io/latest/docs/ambient/usage/waypoint/",
    ],
    remedy="Give the object a waypoint and an address (ClusterIP, STATIC), or place the policies at the gateway.",
    points_to=[Kind.NAMESPACE],
)
def ingress_use_waypoint_ineffective(holder: Resource, mesh: Mesh) -> Iterator[Problem]:
    """The label `istio.io/ingress-use-waypoint` is set where it cannot work, so that ingress traffic goes past the waypoint.

    A gateway hops through a waypoint only for a host that has a waypoint, an address of its own and endpoints that istiod
    hands out. Without a waypoint, with a headless Service, with a ServiceEntry of resolution DNS, or with the feature
    switched off, the label suggests a protection that is not there.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: reviews
      namespace: bookinfo
      labels:
        istio.io/ingress-use-waypoint: "true" # expect: ML411
    spec:
      selector:
        app: reviews
      ports:
        - name: http
          port: 9080
    ```

    Remedy: `istio.io/use-waypoint` on the Service or its namespace; a ClusterIP Service or a ServiceEntry of resolution STATIC;
    or the policies at the gateway. There is no automatic fix: each is a decision.

    On a Namespace only what holds for all of its objects is said: a value that is not a boolean, the feature switched off, an
    Istio release that reads the label on Services only (before 1.25). Not reported when the label is false; a template fills
    it in; the waypoint is named but missing, of the wrong kind or denied (their own rules say that); the namespace stays out
    of the mesh. On a Gateway the label is misplaced (use-waypoint-misplaced).
    """
    label = holder.label(_LABEL)
    value = holder.labels.get(_LABEL)
    if value is None or label.unknown or value in _FALSE or not mesh.candidate(holder):
        return
    if value not in _TRUE:
        yield Problem(label, f'{holder.title} has {_LABEL}: "{value}", which is no boolean and counts as false.', remedy='Write "true".')
        return
    why, related = _why(holder, mesh)
    if why:
        message = f"{holder.title} asks gateways to use its waypoint, but {why}: requests from outside go past every policy at a waypoint."
        yield Problem(label, message, related=related)


def _why(holder: Resource, mesh: Mesh) -> tuple[str, tuple[tuple[Node, str], ...]]:
    """Why the label has no effect, and what else shows it; empty where it may have one."""
    if (mesh.istiod_env(_FLAG) or "").lower() == "false":
        return f"istiod runs with {_FLAG}=false", ()
    if holder.kind is Kind.NAMESPACE:
        return ("", ()) if mesh.target.istio_at_least("1.25.0") else (f"Istio {mesh.target.istio} reads the label on Services only", ())
    if (said := _no_address(holder)) is not None:
        return said[0], ((said[1], "decides that"),)
    waypoint = mesh.waypoint(holder)
    if waypoint.state is WaypointState.NONE:
        return "neither it nor its namespace is labelled istio.io/use-waypoint", ()
    if waypoint.state is WaypointState.OPTED_OUT and waypoint.label is not None:
        return "istio.io/use-waypoint is none", ((waypoint.label, "opts out"),)
    return "", ()


def _no_address(holder: Resource) -> tuple[str, Node] | None:
    """Why the object has no address or endpoints through which a gateway could hop."""
    if holder.kind is Kind.SERVICE:
        address = holder.spec.get("clusterIP")
        return ("the Service is headless (clusterIP: None)", address) if address.text == "None" else None
    resolution = holder.spec.get("resolution")
    if resolution.text in ("DNS", "DNS_ROUND_ROBIN"):
        return f"a ServiceEntry of resolution {resolution.text} is not covered", resolution
    allocated = holder.labels.get(_ALLOCATE) != "false" and (resolution.text not in (None, "NONE"))
    if not allocated and not resolution.unknown and not holder.spec.get("addresses").present:
        return "the ServiceEntry has no addresses, and gets none", resolution
    return None
