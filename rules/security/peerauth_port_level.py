"""ML219 peerauth-port-level."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Reach, Resource, Severity, changes, peer_modes, rule


@rule(
    "ML219", "peerauth-port-level", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.PEER_AUTHENTICATION, evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.PEER_AUTHENTICATION, Kind.SERVICE, *WORKLOADS],
    needs=["portLevelMtls"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/policies.go",
        "istio@86c9f01:pilot/pkg/security/authn/policy_applier.go",
    ],
    remedy="State mtls.mode STRICT in this policy and list the ports that take plaintext as PERMISSIVE, by the ports of the pods.",
    points_to=[Kind.PEER_AUTHENTICATION, Kind.SERVICE],
)  # fmt: skip
def peerauth_port_level(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A PeerAuthentication has modes for single ports that ztunnel does not enforce as they are written.

    Sidecars take the mode of the port, else of the policy, of the namespace, of the mesh. For ztunnel, istiod makes one
    policy out of it, and some combinations fall through: a STRICT port of a policy that is otherwise PERMISSIVE, beneath a
    STRICT mesh, is open to plaintext; so are all ports of a policy without a mode and with PERMISSIVE ports, where the
    namespace has a policy without a mode beneath a STRICT mesh.

    ```yaml
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata:
      name: default
      namespace: istio-system
    spec:
      mtls: {mode: STRICT}
    ---
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata:
      name: cart
      namespace: shop
    spec:
      selector: {matchLabels: {app: cart}}
      mtls: {mode: PERMISSIVE}
      portLevelMtls:
        8080:
          mode: STRICT  # expect: ML219
    ```

    Remedy: the other way round, which is converted faithfully:

        spec:
          selector: {matchLabels: {app: cart}}
          mtls: {mode: STRICT}
          portLevelMtls: {9090: {mode: PERMISSIVE}}

    The fix does that, with the ports that the repository shows of the pods; it needs a look, for there may be others. None is offered
    where it holds no pods of the policy. Also reported, though sidecars have it alike: a policy
    in the root namespace with a selector, which nothing reads, and a number that is the port of a Service where its pods listen on
    another (portLevelMtls counts ports of pods; the fix writes that one). And a policy without a selector, which the API server refuses.

    Not reported when the mode of a port is that of its parent anyway, when it is DISABLE (peerauth-disable), when the policy
    selects gateways or pods that stay out of ambient, and when a
    template fills in modes or ports.
    """
    own, selector = peer_modes.written_modes(policy), policy.spec.get("selector", "matchLabels")
    if own is None or not own.ports or selector.unknown:
        return
    reach = mesh.reach(policy)
    if reach.subject is None:
        return
    if not selector.value:
        message = f"{policy.title} has portLevelMtls and no selector: ports are of pods, so it is refused, and ztunnel ignores its ports."
        remedy = "Give it a selector of the pods whose ports these are."
        yield Problem(policy.spec.get("portLevelMtls"), message, impact=Impact.BREAKS, remedy=remedy, subject=reach.subject)
        return
    if policy.namespace == mesh.settings.root_namespace:
        message = (
            f"{policy.title} has a selector and stands in the root namespace, where only policies for the whole mesh are read: its ports "
            "are not treated as written, with sidecars and with ztunnel."
        )
        yield Problem(policy.spec.get("portLevelMtls"), message, remedy="Put it into the namespace of its pods.", subject=reach.subject)
        return
    yield from _lost(policy, own, mesh, reach)
    for port, item in policy.spec.get("portLevelMtls").items():
        if (service := _service_port(port, reach.services, mesh)) is not None:
            yield _wrong_number(policy, port, item, service, reach.subject)


def _lost(policy: Resource, own: peer_modes.Written, mesh: Mesh, reach: Reach) -> Iterator[Problem]:
    """Ports that ztunnel treats otherwise than written."""
    parents = mesh.peer_authentications_above(policy)
    modes = [None if parent is None else peer_modes.written_modes(parent) for parent in parents]
    if any(parent is not None and mode is None for parent, mode in zip(parents, modes, strict=True)):
        return
    near, wide = (None if mode is None else mode.mode for mode in modes)
    parent = peer_modes.parent_mode([mode for mode in (near, wide) if mode is not None])
    related = tuple((found.spec.get("mtls"), "the policy above it") for found in parents if found is not None)
    for port in ("", *own.ports):
        asked = peer_modes.asked(own, parent, port)
        if asked == peer_modes.STRICT and peer_modes.at_ztunnel(own, near, wide, port) != peer_modes.STRICT:
            where = f"on port {port}" if port else "on the ports that it does not list"
            message = (
                f"{policy.title} asks for STRICT {where}, but istiod does not convert this combination of modes for ztunnel: plaintext is "
                "admitted there."
            )
            at = own.at[port] if port else policy.spec.get("portLevelMtls")
            fix = partial(_stated, policy, own, parent, reach)
            yield Problem(at, message, impact=Impact.UNENFORCED, related=related, fix=fix, subject=reach.subject)


def _stated(policy: Resource, own: peer_modes.Written, parent: str, reach: Reach) -> Fix | None:
    """STRICT for the whole, and what was open on the single ports that are open."""
    made = changes()
    if policy.spec.get("mtls").present:
        made.set_key(policy.root, ("spec", "mtls", "mode"), peer_modes.STRICT)
    else:
        made.set_key(policy.root, ("spec", "mtls"), {"mode": peer_modes.STRICT}, before="portLevelMtls")
    if peer_modes.asked(own, parent, "") != peer_modes.STRICT:
        ports = _pod_ports(reach)
        if not ports:
            return None
        for port in sorted(ports - own.ports.keys(), key=int):
            made.set_key(policy.root, ("spec", "portLevelMtls", port, "mode"), peer_modes.PERMISSIVE)
    return made.fix("State STRICT, and the ports that take plaintext")


def _pod_ports(reach: Reach) -> set[str]:
    """The ports on which the repository shows the policy's pods to listen."""
    if not reach.workloads:
        return set()
    nodes = [port for workload in reach.workloads for port in workload.template.get("spec").each("containers", "ports", "containerPort")]
    entries = [entry for service in reach.services for entry in service.spec.each("ports")]
    nodes += [entry.get("targetPort") if entry.get("targetPort").present else entry.get("port") for entry in entries]
    return {str(node.value) for node in nodes if str(node.value).isdigit()}


def _service_port(port: str, services: tuple[Resource, ...], mesh: Mesh) -> Node | None:
    """The Service port of this number, where no pod is known to listen on it: a Service sends it to another one."""
    entries = [entry for service in services for entry in service.spec.each("ports")]
    if any(not entry.get("port") or entry.get("targetPort").unknown for entry in entries):
        return None
    same = [entry for entry in entries if str(entry.get("port").value) == port]
    reached = {str((entry.get("targetPort") if entry.get("targetPort").present else entry.get("port")).value) for entry in entries}
    listened = {
        str(found.value) for service in services for workload in mesh.workloads(service.spec.get("selector").strings(), service.namespace)
        for found in workload.template.get("spec").each("containers", "ports", "containerPort")
    }  # fmt: skip
    numbers = all(str(entry.get("targetPort").value).isdigit() for entry in same)
    return same[0] if same and numbers and port not in reached and port not in listened else None


def _wrong_number(policy: Resource, port: str, item: Node, service: Node, subject: Resource | str) -> Problem:
    target = service.get("targetPort").value
    message = (
        f"{policy.title} names port {port}, which is a port of the Service; its pods listen on {target}, and portLevelMtls counts ports "
        "of pods, so the mode acts on nothing."
    )
    remedy = f"Write {target} instead of {port}."
    related = ((service.get("port"), "the Service's port"),)
    fix = partial(_renamed, item, str(target))
    return Problem(item, message, impact=Impact.IGNORED, remedy=remedy, related=related, fix=fix, subject=subject)


def _renamed(item: Node, port: str) -> Fix | None:
    return changes().rename(item, port).fix(f"Write {port}")
