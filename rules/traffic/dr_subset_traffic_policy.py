"""ML102 dr-subset-traffic-policy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, converted, rule


@rule(
    "ML102", "dr-subset-traffic-policy", Severity.WARNING, impact=Impact.IGNORED, each=Kind.DESTINATION_RULE, evidence="inferred",
    needs=["subsets"],
    reads=[Kind.VIRTUAL_SERVICE, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["istio pilot/pkg/model/push_context.go", "istio pilot/pkg/networking/core/cluster_waypoint.go"],
    remedy="Give the Service that replaces the subset a DestinationRule of its own with the merged trafficPolicy.",
    points_to=[Kind.VIRTUAL_SERVICE],
)  # fmt: skip
def dr_subset_traffic_policy(destination_rule: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A subset that has to become a Service carries a trafficPolicy, which does not move by itself.

    The Gateway API has no subsets (vs-subset-destination), so each used subset turns into a Service. Its load balancer,
    connection pool and outlier settings stay behind on a subset that nobody routes to any more: the DestinationRule is
    still valid, and the new Service runs on defaults.

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
                subset: v3  # expect: ML101
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      host: reviews  # expect: ML122
      subsets:
        - name: v3
          labels: {version: v3}
          trafficPolicy:  # expect: ML102
            loadBalancer: {simple: RANDOM}
    ```

    Remedy: one DestinationRule for each new Service, its host the name of that Service, its trafficPolicy that of the rule
    merged with that of the subset. The fix converts the VirtualServices that use the subset, where all of them convert, and
    so makes both.

    Not reported when no VirtualService of the mesh uses the subset (subset-unused says when nothing does), when the subset
    has no labels and so needs no Service, when the policy only says `tls.mode: ISTIO_MUTUAL` or `DISABLE`, which ambient
    does not read, when the namespace of the host stays out of the mesh, and with `--goal ambient`, which keeps the
    VirtualService.
    """
    found = [item for item in destination_rule.spec.each("subsets") if _is_policy_of_pods(item)]
    if not found or not mesh.settings.to_gateway_api:
        return
    host = mesh.host(destination_rule.spec.get("host"), destination_rule)
    if mesh.moves(host, destination_rule) is None:
        return
    for item in found:
        name, policy = item.get("name").text or "", item.get("trafficPolicy")
        users = [sent for sent in mesh.subset_users(destination_rule, name) if sent.mesh]
        if users:
            fields = ", ".join(key for key, _ in policy.items())
            message = f'Subset "{name}" of {host.title} has to become a Service, and its trafficPolicy ({fields}) does not move with it.'
            remedy = f"Write a DestinationRule for the Service that replaces subset {name}: the policies of rule and subset, merged."
            used = tuple((sent.subset, f"{sent.route.title} routes to the subset") for sent in users)
            routes = list(dict.fromkeys(sent.route for sent in mesh.subset_users(destination_rule, name)))
            fix = partial(converted, routes, mesh, unused=[item])
            yield Problem(policy, message, related=used, remedy=remedy, fix=fix)


def _is_policy_of_pods(item: Node) -> bool:
    """Has a subset a name, labels, and a policy?"""
    return _says_something(item.get("trafficPolicy")) and bool(item.get("name").text) and any(item.get("labels").items())


def _says_something(policy: Node) -> bool:
    fields = dict(policy.items())
    if list(fields) == ["tls"]:
        return fields["tls"].get("mode").text not in ("ISTIO_MUTUAL", "DISABLE", None)
    return bool(fields)
