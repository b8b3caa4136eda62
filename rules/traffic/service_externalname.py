"""ML138 service-externalname."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.api import (
    AT_WAYPOINTS,
    GATEWAY_API_KINDS,
    ISTIO_KINDS,
    WORKLOADS,
    Host,
    Impact,
    Kind,
    Mesh,
    Node,
    Problem,
    Resource,
    Severity,
    rule,
)

_BIND = "Define a ServiceEntry for {name}, bind it to a waypoint, and name its host in what is written for the alias."
_NAME = "Attach what is written for the alias to the Service that it stands for, and let the clients call that one."


@rule(
    "ML138", "service-externalname", Severity.WARNING, impact=Impact.IGNORED, each=Kind.SERVICE, evidence="code",
    needs=["type"],
    reads=[*ISTIO_KINDS, *GATEWAY_API_KINDS, *WORKLOADS, Kind.INGRESS, Kind.ROLLOUT],
    sources=[
        "istio pilot/pkg/serviceregistry/ambient/services.go (serviceServiceBuilder)",
        "istio releasenotes/notes/externalname-ambient.yaml",
    ],
    remedy="Define a ServiceEntry for the real host, bind it to a waypoint, and name its host in what is written for the alias.",
    points_to=[Kind.NAMESPACE, Kind.DESTINATION_RULE, *AT_WAYPOINTS],
)  # fmt: skip
def service_externalname(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Istio configuration is written for a Service of type ExternalName, which ambient does not know.

    Sidecars take an ExternalName Service as an alias with a name of its own, so that VirtualServices, DestinationRules and
    policies for it act. The index of ambient leaves such Services out: clients follow the CNAME, ztunnel sees the real
    destination, and nothing can be attached to the alias, neither a waypoint nor anything that a waypoint executes. The
    traffic as such goes on working.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: rates
      namespace: shop
      labels:
        istio.io/use-waypoint: waypoint
    spec:
      type: ExternalName  # expect: ML138
      externalName: rates.example.com
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ```

    Remedy: where the real host is outside of the cluster, a ServiceEntry for it with the label `istio.io/use-waypoint`; where
    it is a Service of the cluster, that Service. There is no automatic fix: clients have to call the other name.

    One finding for each Service that has a VirtualService of the mesh, a DestinationRule, a route as its child, a policy whose
    targetRefs name it, or the label `istio.io/use-waypoint` of its own. Nothing else is wrong with an alias, and the finding
    about what is written for it may stand there too (vs-mesh-without-waypoint, dr-without-waypoint): a waypoint is no answer to
    those.

    Not reported when: nothing of that kind is written for it, it is a mere destination of a route (gateways and waypoints
    resolve it), only gateways read what is written, or its namespace stays out of the mesh. With `--goal gateway-api` only
    what is ambient now counts.
    """
    kind = service.spec.get("type")
    if kind.text != "ExternalName" or not mesh.candidate(service) or not (mesh.settings.to_ambient or mesh.ambient_now(service)):
        return
    used = list(_used(service, mesh))
    if not used:
        return
    name = service.spec.get("externalName")
    real = mesh.host(name, service)
    said = f"{service.title} is an alias of {name.text or 'another name'} (type: ExternalName), and ambient knows no such Services: "
    yield Problem(
        kind,
        said + f"{_listed(used)} {'have' if len(used) > 1 else 'has'} no effect.",
        related=tuple(used[:5]),
        remedy=_remedy(name, real),
    )


def _used(service: Resource, mesh: Mesh) -> Iterator[tuple[Node, str]]:
    """What is written for the alias: its node, and what it is."""
    label = mesh.waypoint_label(service)
    if label.text and label.text != "none":
        yield label, f"its label istio.io/use-waypoint: {label.text}"
    for user, node in mesh.waypoint_work(service):
        yield node, user.title
    for host in mesh.hosts_of(service):
        for rule_for in mesh.destination_rules(host):
            own = mesh.host(rule_for.spec.get("host"), rule_for)
            if own.fqdn == host.fqdn and mesh.rule_subject(rule_for) is not None and not mesh.ingress_only(host):
                yield rule_for.spec.get("host"), rule_for.title


def _listed(used: Sequence[tuple[Node, str]]) -> str:
    titles = list(dict.fromkeys(title for _, title in used))
    shown = ", ".join(titles[:3])
    return f"{shown} and {len(titles) - 3} more" if len(titles) > 3 else shown


def _remedy(name: Node, real: Host) -> str | None:
    if not name.text:
        return None
    return _NAME if real.service is not None else _BIND.format(name=name.text)
