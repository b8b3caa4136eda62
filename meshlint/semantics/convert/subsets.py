"""A Service for each subset that routes use, and a DestinationRule where the subset has a policy."""

from __future__ import annotations

from typing import Any

from meshlint.edit import names
from meshlint.model.conversion import Because, Document
from meshlint.model.kind import Kind
from meshlint.model.mesh import Host, HostKind, Mesh, Subset
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.semantics.convert.editors import what_edits
from meshlint.semantics.convert.plain import plain
from meshlint.semantics.convert.stay import Stay, known
from meshlint.semantics.convert.trafficpolicy import merged

_SAME = (
    "publishNotReadyAddresses", "sessionAffinity", "sessionAffinityConfig", "internalTrafficPolicy", "trafficDistribution",
    "ipFamilies", "ipFamilyPolicy",
)  # fmt: skip
_PORT = ("name", "protocol", "appProtocol", "port", "targetPort")
_OURS = ("istio.io/", "networking.istio.io/")


class Subsets:
    """The Services for subsets, each made once; their names depend on host and subset only."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self.documents: dict[tuple[str, str, str], Document] = {}  # by kind, namespace and name
        self.used: dict[Node, Resource] = {}  # the subsets (items of `subsets`) that became Services, with their DestinationRules
        self.notes: list[Because] = []

    def service_for(self, at: Node, host: Host, owner: Resource, port: int) -> str:
        """The name of the Service that has the endpoints of a subset, in the namespace of the host's Service."""
        service = host.service
        if service is None or host.kind is not HostKind.SERVICE:
            raise Stay(at, f"sends to a subset of {host.title}, whose Service is not in this repository, so that its selector is not known")
        subset = self._declared(at, host, owner)
        selector = service.spec.get("selector").strings()
        if not selector:
            raise Stay(at, f"sends to a subset of {host.title}, a Service without a selector")
        known(service.spec)
        clash = next((key for key, value in subset.labels.items() if selector.get(key, value) != value), None)
        if clash:
            raise Stay(
                at, f"sends to subset {subset.name}, whose label {clash} contradicts the selector of {service.title}: it has no endpoints"
            )
        policy = self._policy(subset, host, owner)
        self.used[subset.at] = subset.rule
        if not subset.labels and not policy:
            return service.name
        return self._make(service, subset, {**selector, **subset.labels}, policy, port)

    def _declared(self, at: Node, host: Host, owner: Resource) -> Subset:
        found = self._mesh.subsets(host, at.text or "", owner)
        if not found:
            raise Stay(at, f"sends to subset {at.text} of {host.title}, which no DestinationRule declares that it can read", "Declare it.")
        if len({one.rule.identity for one in found}) > 1:
            rules = ", ".join(one.rule.title for one in found)
            raise Stay(at, f"sends to subset {at.text} of {host.title}, which {rules} declare", "Declare it once.")
        if len(found) > 1:  # alternatives of one object, which are not applied together
            self.notes.append(Because(at, f"takes subset {at.text} of {host.title} from {found[0].rule.file}"))
        subset = found[0]
        known(subset.at)
        known(subset.rule.spec.get("trafficPolicy"))
        if subset.rule.partial:
            raise Stay(at, f"sends to a subset of {subset.rule.title}, which a patch changes that is not followed")
        if subset.rule.spec.get("workloadSelector").value:
            raise Stay(at, f"sends to a subset of {subset.rule.title}, which is for some callers only (workloadSelector)")
        for editor in self._mesh.editors(subset.rule):
            said, remedy = what_edits(editor, subset.rule)
            raise Stay(at, said, remedy)
        return subset

    def _policy(self, subset: Subset, host: Host, owner: Resource) -> dict[str, Any] | None:
        """What the DestinationRule of the new host says; None where it needs none."""
        every = self._mesh.destination_rules(host, owner)
        rules = [rule for rule in every if not (rule.spec.get("host").text or "").startswith("*")]
        above = [rule for rule in rules if rule.spec.get("trafficPolicy").value and rule.identity != subset.rule.identity]
        if subset.rule.spec.get("trafficPolicy").value:
            above.append(subset.rule)
        if len(above) > 1:
            raise Stay(subset.at, f"has its policy from several DestinationRules ({', '.join(rule.title for rule in above)})")
        top = plain(above[0].spec.get("trafficPolicy")) if above else {}
        policy = merged(top, plain(subset.at.get("trafficPolicy")) or {})
        reached = any(rule.spec.get("trafficPolicy").value for rule in every if rule not in rules)  # by the policy of a wildcard rule
        return policy if policy or reached else None

    def _make(self, base: Resource, subset: Subset, selector: dict[str, str], policy: dict[str, Any] | None, port: int) -> str:
        name = self._name(base, subset, selector, port)
        if self._mesh.find(Kind.SERVICE, base.namespace, name) is None:
            self.documents["Service", base.namespace, name] = _service(base, name, selector)
        if policy is not None:
            rule = _rule(subset.rule, base, name, policy, self._mesh)
            self.documents["DestinationRule", subset.rule.namespace, name] = rule
        return name

    def _name(self, base: Resource, subset: Subset, selector: dict[str, str], port: int) -> str:
        for name in (names.joined(base.name, subset.name), names.joined(base.name, subset.name, "subset")):
            held = self._mesh.find(Kind.SERVICE, base.namespace, name)
            ruled = self._mesh.find(Kind.DESTINATION_RULE, subset.rule.namespace, name)
            if ruled is not None and ruled.root != subset.rule.root:
                continue
            if ruled is None and (held is None or _serves(held, base, selector, port)):
                return name
        raise Stay(subset.at, f"needs a Service {names.joined(base.name, subset.name)}, and another object has that name")


def _serves(held: Resource, base: Resource, selector: dict[str, str], port: int) -> bool:
    """Is a Service that is there just what the subset needs?"""
    mine, theirs = ({one.get("port").value: plain(one.get("targetPort")) for one in of.spec.each("ports")} for of in (base, held))
    return held.spec.get("selector").strings() == selector and port in theirs and theirs[port] == mine.get(port)


def _service(base: Resource, name: str, selector: dict[str, str]) -> Document:
    metadata: dict[str, Any] = {"name": name, **({"namespace": base.namespace} if base.namespace else {})}
    for field, entries in (("labels", base.labels), ("annotations", base.annotations)):
        kept = {key: value for key, value in entries.items() if key.startswith(_OURS)}
        if kept:
            metadata[field] = kept
    ports = [{key: plain(port.get(key)) for key in _PORT if port.get(key)} for port in base.spec.each("ports")]
    headless = {"clusterIP": "None"} if base.spec.get("clusterIP").text == "None" else {}
    same = {key: plain(base.spec.get(key)) for key in _SAME if base.spec.get(key)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {**headless, "selector": selector, "ports": ports, **same}}


def _rule(rule: Resource, base: Resource, name: str, policy: dict[str, Any], mesh: Mesh) -> Document:
    near = rule.namespace == base.namespace
    host = name if near else f"{name}.{base.namespace}.svc.{mesh.settings.cluster_domain}"
    spec: dict[str, Any] = {"host": host}
    if policy:
        spec["trafficPolicy"] = policy
    if exported := plain(rule.spec.get("exportTo")):
        spec["exportTo"] = exported
    metadata = {"name": name, **({"namespace": rule.namespace} if rule.namespace else {})}
    return {"apiVersion": rule.api_version, "kind": "DestinationRule", "metadata": metadata, "spec": spec}
