"""ML145 subset-undefined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.api import Confidence, Destination, Impact, Kind, Mesh, Problem, Resource, Severity, close_name, rule

_EVERYWHERE = "on sidecars, gateways and waypoints alike"
_EXPORT = "Export the DestinationRule to the namespaces whose proxies execute the VirtualService, or declare the subset for them."


@rule(
    "ML145", "subset-undefined", Severity.ERROR, impact=Impact.BREAKS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["subset"],
    reads=[Kind.DESTINATION_RULE, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.ROLLOUT, Kind.CANARY, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["istioctl analyze IST0101", "Kiali KIA1107"],
    remedy="Declare the subset in a DestinationRule for the host, or route to a declared one.",
    points_to=[Kind.DESTINATION_RULE],
)  # fmt: skip
def subset_undefined(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route names a subset that no DestinationRule for the host declares.

    The proxy has no endpoints for such a subset, so every request that takes the route is answered with 503, every TCP
    connection is closed, and nothing is mirrored. That is so today on sidecars and gateways, and at a waypoint later; and
    there is nothing a Service of the subset could be made from. It stays an error before the migration.

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
                host: reviews.bookinfo.svc.cluster.local
                subset: canray  # expect: ML145
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      host: reviews
      subsets:
        - name: canary  # expect: ML146
          labels: {track: canary}
    ```

    Remedy: declare the subset, or correct the name; a declared name that is close to the written one is offered. There is
    no automatic fix: only you know which one is meant.

    Hosts are compared by what they stand for, never as written: short and full names, wildcard hosts, exportTo and the
    root namespace count. Not an error, but a note, where the repository is not the authority on the host: it has no
    DestinationRule for just that host, nor the Service together with other DestinationRules of its namespace, or a rule
    that declares the subset is hidden from the namespace of the VirtualService. Not reported when an Argo Rollout names the subset,
    when the VirtualService is for gateways only, whose namespace may read the rule, and when a template fills in the names.
    """
    for sent in mesh.destinations(route):
        name = sent.subset.text
        if not name or not sent.host.fqdn or mesh.subsets(sent.host, name, route):
            continue
        rules = mesh.destination_rules(sent.host, route)
        if not _open(rules) and not _managed(name, (route, *rules), mesh) and not _read_at_gateways(sent, mesh):
            yield _problem(sent, rules, mesh)


def _read_at_gateways(sent: Destination, mesh: Mesh) -> bool:
    """May the gateways that alone execute it read a rule that the namespace of the VirtualService may not?"""
    gateways = () if sent.mesh else mesh.binding(sent.route).gateways
    hidden = [subset.rule for subset in mesh.subsets(sent.host, sent.subset.text or "")]
    return bool(gateways) and all(any(mesh.readable(rule_, gateway.namespace) for rule_ in hidden) for gateway in gateways)


def _problem(sent: Destination, rules: Sequence[Resource], mesh: Mesh) -> Problem:
    name, host = sent.subset.text or "", sent.host.title
    if hidden := mesh.subsets(sent.host, name):
        message = f'Subset "{name}" of {host} is declared by {hidden[0].rule.title}, which is not exported to {sent.route.title}.'
        declared_here = ((hidden[0].at.get("name"), "declared here"),)
        return Problem(sent.subset, message, Severity.NOTE, confidence=Confidence.LOW, related=declared_here, remedy=_EXPORT)
    exact = [found for found in rules if not mesh.host(found.spec.get("host"), found).wildcard]
    if not exact and not _authority(sent, mesh):
        message = f'{sent.route.title} routes to subset "{name}" of {host}, and the repository holds no DestinationRule for just that host.'
        hint = "If no other repository declares the subset, declare it here."
        return Problem(sent.subset, message, Severity.NOTE, confidence=Confidence.LOW, remedy=hint)
    declared = _declared(rules)
    message = f'{sent.route.title} routes to subset "{name}" of {host}, but {_have(exact, declared)}: {_down(sent)}.'
    close = close_name(name, declared)
    remedy = f'Write "{close}" if that is meant, or declare "{name}".' if close else None
    related = tuple((found.spec.get("host"), "the DestinationRule of this host") for found in exact)
    return Problem(sent.subset, message, related=related, remedy=remedy, final=True)


def _down(sent: Destination) -> str:
    if sent.mirror:
        return f"nothing is mirrored, {_EVERYWHERE}"
    if sent.section == "http":
        return f"every request that takes this route is answered with 503, {_EVERYWHERE}"
    return f"every connection that takes this route is closed, {_EVERYWHERE}"


def _have(rules: Sequence[Resource], declared: list[str]) -> str:
    if not rules:
        return "none of the DestinationRules beside its Service is for that host"
    have = " and ".join(dict.fromkeys(found.title for found in rules))
    return f"{have} declares only {', '.join(declared)}" if declared else f"{have} declares no subset"


def _authority(sent: Destination, mesh: Mesh) -> bool:
    """Does the repository hold the Service of the host together with DestinationRules of its namespace?"""
    service = sent.host.service
    if service is None or mesh.elsewhere(Kind.DESTINATION_RULE):
        return False
    return any(found.namespace == service.namespace for found in mesh.all(Kind.DESTINATION_RULE))


def _declared(rules: Sequence[Resource]) -> list[str]:
    names = [item.get("name").text for found in rules for item in found.spec.each("subsets")]
    return sorted({name for name in names if name})


def _open(rules: Sequence[Resource]) -> bool:
    """May a template fill in the name that is missed?"""
    return any(node.unknown for found in rules for node in (found.spec.get("subsets"), *found.spec.each("subsets", "name")))


def _managed(name: str, edited: tuple[Resource, ...], mesh: Mesh) -> bool:
    """Does a Rollout that edits one of these objects name the subset?"""
    for resource in edited:
        for editor in mesh.editors(resource):
            named = editor.spec.get("strategy", "canary", "trafficRouting", "istio", "destinationRule")
            if name in (named.get("canarySubsetName").text, named.get("stableSubsetName").text):
                return True
    return False
