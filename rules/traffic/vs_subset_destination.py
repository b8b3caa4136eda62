"""ML101 vs-subset-destination."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import Destination, Host, HostKind, Impact, Kind, Mesh, Problem, Resource, Severity, Subset, converted, rule

_ROUTES = {"http": "an HTTPRoute", "tcp": "a TCPRoute", "tls": "a TLSRoute"}
_KEPT = ". A waypoint executes it while VirtualService and DestinationRule stay in its reach, but VirtualService is alpha there."
_SPLIT_LOST = ": ztunnel reads no VirtualService and a Gateway API route has no subsets, so every endpoint will get this traffic."
_MIRROR_LOST = ": ztunnel reads no VirtualService and mirrors nothing, and a Gateway API route could only mirror to every endpoint."
_AT_WAYPOINT = ": the waypoint executes it, but once converted "
_POLICY_LOST = ". ztunnel reads neither object and a Gateway API route has no subsets, so that policy will be gone."


@rule(
    "ML101", "vs-subset-destination", Severity.ERROR, impact=Impact.BREAKS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["subset"],
    reads=[
        Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.DESTINATION_RULE, Kind.NAMESPACE, Kind.ROLLOUT, Kind.CANARY, Kind.GATEWAY,
        Kind.K8S_GATEWAY,
    ],
    sources=["istio pilot/pkg/networking/core/cluster_waypoint.go", "gateway-api v1.6.1 apis/v1/httproute_types.go"],
    remedy="Make one Service per used subset and route to these Services.", yields_to=["subset-undefined"],
    yields_in_object=["egress-gateway-classic"],
    points_to=[Kind.DESTINATION_RULE],
)  # fmt: skip
def vs_subset_destination(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route of the mesh sends traffic to a subset of a host, and the Gateway API has no subsets.

    In sidecar mode the client's proxy picks the endpoints of the subset. ztunnel reads neither VirtualService nor
    DestinationRule, and no route of the Gateway API (up to 1.6) can name a subset: once the host moves, the split is
    gone, and all versions of the workload get the traffic. Converters drop the subset without a word. Only a waypoint
    that keeps executing the VirtualService still honours it, and VirtualService at a waypoint is alpha.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      selector: {app: reviews}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      hosts: [reviews]  # expect: ML105
      http:
        - route:
            - destination:
                host: reviews
                subset: v2  # expect: ML101
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      host: reviews
      subsets:
        - name: v2
          labels: {version: v2}
    ```

    Remedy: one Service for each used subset (the selector of the host's Service plus the labels of the subset), then an
    HTTPRoute (TCPRoute, TLSRoute) with the Service of the host as its parent and the new Services as backends. The new
    Services are additive; replacing the VirtualService is not, so the fix is one to look at: policies with targetRefs on
    the host's Service do not cover a direct call to a new Service. There is a fix where all of the VirtualService converts
    (`meshlint convert` says what keeps it).

    Some subsets need something else, and the finding says so: those of a ServiceEntry select endpoints, not pods; one
    without labels only carries a policy; one that a Rollout or Canary edits changes together with that object.

    Severity: with `--goal ambient`, where VirtualService and DestinationRule both stand where the waypoint reads them, the
    split goes on working: a warning. Not reported when the VirtualService (or the match) is for gateways only, which go on
    executing it (a note with `--goal gateway-api`), and when the namespace of the host stays out of the mesh.
    """
    known: dict[tuple[object, ...], Problem | None] = {}  # a host and subset mostly stand in many routes
    for sent in mesh.destinations(route):
        if not sent.subset.text:
            continue
        key = (sent.host.written, sent.subset.text, sent.section, sent.mirror, sent.mesh)
        if key not in known:
            known[key] = _problem(sent, route, mesh)
        problem = known[key]
        if problem is not None:
            yield problem._replace(at=sent.subset)


def _problem(sent: Destination, route: Resource, mesh: Mesh) -> Problem | None:
    subject = mesh.moves(sent.host, route)
    if subject is None:
        return None
    found = mesh.subsets(sent.host, sent.subset.text or "", route)
    severity, impact, message = _judged(sent, found, mesh)
    if not message:
        return None
    related = tuple((subset.at.get("name"), f"subset {subset.name} is declared here") for subset in found)
    fix = partial(converted, [route], mesh) if mesh.settings.to_gateway_api else None
    return Problem(sent.subset, message, severity, impact, related=related, remedy=_remedy(sent, found, mesh), fix=fix, subject=subject)


def _judged(sent: Destination, found: Sequence[Subset], mesh: Mesh) -> tuple[Severity | None, Impact | None, str]:
    """Severity and impact where they differ from the rule's, and the message; no message, no finding."""
    said = _said(sent, found)
    if not sent.mesh:
        if mesh.settings.goal != "gateway-api" or not mesh.binding(sent.route).gateways:
            return None, None, ""
        return Severity.NOTE, Impact.ADVICE, f"{said}. It is for gateways only and works on, but a Gateway API route cannot name a subset."
    if mesh.settings.goal == "ambient" and _in_reach(sent, found, mesh):
        return Severity.WARNING, Impact.UNSTABLE, said + _KEPT
    if _in_reach(sent, found, mesh, bound=True):
        lost = "that policy is gone" if _bare(found) else "every endpoint gets " + ("what is mirrored" if sent.mirror else "this traffic")
        return None, None, f"{said}{_AT_WAYPOINT}{lost}, for a Gateway API route has no subsets."
    return None, None, said + (_POLICY_LOST if _bare(found) else _MIRROR_LOST if sent.mirror else _SPLIT_LOST)


def _in_reach(sent: Destination, found: Sequence[Subset], mesh: Mesh, bound: bool = False) -> bool:
    """Do VirtualService and DestinationRule stand where the host's waypoint reads them? `bound`: has it one already?"""
    for _, host in mesh.hosts(sent.route):
        waypoint = mesh.waypoint(host)
        reads = {host.namespace, waypoint.namespace if waypoint.bound else host.namespace}
        looks = {*reads, sent.host.namespace, mesh.settings.root_namespace}
        if host.in_mesh and mesh.waypoint_after(host) and (waypoint.bound or not bound) and sent.route.namespace in reads:
            return any(subset.rule.namespace in looks for subset in found)
    return False


def _bare(found: Sequence[Subset]) -> bool:
    """Declared, and without labels: it takes every endpoint and only carries a policy."""
    labels = [subset.at.get("labels") for subset in found]
    return bool(found) and not any(node.unknown or any(node.items()) for node in labels)


def _said(sent: Destination, found: Sequence[Subset]) -> str:
    verb = "mirrors" if sent.mirror else "routes"
    said = f'{sent.route.title} {verb} to subset "{sent.subset.text}" of {sent.host.title}'
    if sent.host.kind is HostKind.ENTRY:
        return f"{said}, a ServiceEntry whose endpoints it selects by label"
    return f"{said}, which has no labels and only carries a policy" if _bare(found) else said


def _of_another_domain(host: Host, mesh: Mesh) -> bool:
    return host.service is None and not host.fqdn.endswith(f".svc.{mesh.settings.cluster_domain}")


def _remedy(sent: Destination, found: Sequence[Subset], mesh: Mesh) -> str:
    name, host = sent.subset.text, sent.host.title
    editors = dict.fromkeys(editor.title for edited in (sent.route, *(s.rule for s in found)) for editor in mesh.editors(edited))
    if editors:
        return (
            f"{' and '.join(editors)} sets the labels or weights of these subsets: switch it to traffic routing between Services, "
            "or to its Gateway API support, before the VirtualService becomes a route."
        )
    if _bare(found):
        return f"Move the trafficPolicy of subset {name} to the DestinationRule itself and route to {host} without a subset."
    if sent.host.kind is HostKind.ENTRY or _of_another_domain(sent.host, mesh):
        kind = "a ServiceEntry" if sent.host.kind is HostKind.ENTRY else "a host of another cluster"
        return f"One Service per version does not fit {kind}: give the endpoints of subset {name} a ServiceEntry of their own."
    labels = ", ".join(f"{key}: {value}" for subset in found[:1] for key, value in subset.labels.items())
    selector = f" (its selector plus {labels})" if labels else ""
    use = "name it in a RequestMirror filter" if sent.mirror else "make it a backend"
    return f"Make a Service for subset {name} of {host}{selector} and {use} of {_ROUTES[sent.section]} with the host as its parent."
