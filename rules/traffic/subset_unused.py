"""ML146 subset-unused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Fix, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule


@rule(
    "ML146", "subset-unused", Severity.NOTE, impact=Impact.ADVICE, each=Kind.DESTINATION_RULE, evidence="inferred",
    needs=["subsets"],
    reads=[
        Kind.VIRTUAL_SERVICE, Kind.ROLLOUT, Kind.CANARY, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY,
        Kind.K8S_GATEWAY,
    ],
    sources=["istio pilot/pkg/networking/core/cluster_builder.go"],
    remedy="Delete the subset; keep its trafficPolicy if the rest of the rule relies on it.",
    points_to=[],
)  # fmt: skip
def subset_unused(destination_rule: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule declares a subset that no route of the repository uses.

    Each subset costs every proxy a cluster for each port. Before the migration it is also work: every used subset becomes
    a Service of its own, and one that nobody uses can simply go first.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      host: ratings
      subsets:
        - name: v1  # expect: ML146
          labels: {version: v1}
    ```

    Remedy: delete the subset. If it has a trafficPolicy that is meant for the whole host, keep that on the DestinationRule.
    meshlint can delete it. That is safe where the repository holds the Service and a VirtualService for it, so that it shows who
    routes there; elsewhere it needs a look. There is no fix where a route names a subset that is not declared: it may mean this one.

    Used is a subset that any http, tcp or tls route, any mirror, any delegate, any VirtualService bound to gateways, or
    an Argo Rollout names, in any environment of the repository; hosts are compared by what they stand for, short name or
    full. Not reported when a template that was not analysed may use it, and when the namespace of the host stays out of
    the mesh. Routes of another repository cannot be seen, so this is never more than a note.
    """
    host = mesh.host(destination_rule.spec.get("host"), destination_rule)
    if host.in_mesh and mesh.moves(host, destination_rule) is None:
        return
    items = list(destination_rule.spec.each("subsets"))
    used = {item for item in items if mesh.subset_used(destination_rule, item.get("name").text or "")}
    for item in items:
        name = item.get("name")
        if name.text and item not in used:
            fix = partial(_fix, destination_rule, None if not used else item, host, mesh)
            yield Problem(name, f'No route of the repository uses subset "{name.text}" of {host.title}.', fix=fix)


def _fix(destination_rule: Resource, item: Node | None, host: Host, mesh: Mesh) -> Fix | None:
    """The subset; where nobody uses any (None), all of them at once, with a DestinationRule that says nothing else and hides no other."""
    subsets = destination_rule.spec.get("subsets")
    if _misnamed(host, destination_rule, mesh):
        return None
    safe = host.service is not None and bool(mesh.virtual_services(host))
    if item is not None:
        return changes().remove(item).fix("Delete the subset", safe=safe)
    says_more = any(key not in ("host", "subsets", "exportTo") for key, _ in destination_rule.spec.items())
    if says_more or len(mesh.destination_rules(host)) != 1:
        return changes().remove(subsets).fix("Delete the subsets", safe=safe)
    return changes().remove_document(destination_rule.root).fix("Delete the DestinationRule", safe=safe)


def _misnamed(host: Host, destination_rule: Resource, mesh: Mesh) -> bool:
    """Does a route name a subset of the host that is not declared, and may mean this one?"""
    used = (one for service in mesh.virtual_services(host) for one in mesh.destinations(service))
    return any(one.subset.text and one.host == host and not mesh.subsets(host, one.subset.text, destination_rule) for one in used)
