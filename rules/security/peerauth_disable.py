"""ML218 peerauth-disable."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, peer_modes, rule


@rule(
    "ML218", "peerauth-disable", Severity.ERROR, impact=Impact.IGNORED, each=Kind.PEER_AUTHENTICATION, evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.PEER_AUTHENTICATION, Kind.SERVICE, *WORKLOADS],
    needs=["mode"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/testdata/peer-authn-strict-and-disable-port-mtls-in.yaml",
        "https://istio.io/latest/docs/ambient/migrate/",
    ],
    remedy=(
        "Delete it, or write PERMISSIVE for what needs plaintext; label pods that must stay without TLS istio.io/dataplane-mode: none."
    ),
    points_to=[Kind.PEER_AUTHENTICATION],
)  # fmt: skip
def peerauth_disable(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A PeerAuthentication turns mTLS off (DISABLE), which ambient cannot do: between its pods everything goes through HBONE.

    ztunnel takes DISABLE for PERMISSIVE at best. On a port of a policy that states no mode of its own, beneath a STRICT
    namespace or mesh, it is not even that: the exception is dropped, and callers without mTLS are refused there.

    ```yaml
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata:
      name: legacy
      namespace: shop
    spec:
      selector: {matchLabels: {app: legacy}}
      mtls:
        mode: STRICT
      portLevelMtls:
        9000:
          mode: DISABLE  # expect: ML218
    ```

    Remedy: PERMISSIVE says what is meant, that plaintext is admitted:

        spec:
          selector: {matchLabels: {app: legacy}}
          mtls: {mode: STRICT}
          portLevelMtls: {9000: {mode: PERMISSIVE}}

    Whoever relies on bytes without TLS on the wire (a capture, a protocol of its own) takes the pods out of the mesh. The
    fix writes PERMISSIVE; it needs a look, because callers with sidecars then use mTLS there, and which of the two was meant is not
    known here.

    Not reported when the policy is for gateways only, when its pods stay out of ambient, when it stands in the root
    namespace with a selector (nothing reads it, with sidecars neither), and when a template fills in the modes or selector.
    """
    own = peer_modes.written_modes(policy)
    if own is None or peer_modes.DISABLE not in (own.mode, *own.ports.values()):
        return
    subject = mesh.reach(policy).subject
    selector = policy.spec.get("selector", "matchLabels")
    if subject is None or (selector.value and policy.namespace == mesh.settings.root_namespace):
        return
    parents = mesh.peer_authentications_above(policy)
    for port, mode in {"": own.mode, **own.ports}.items():
        if mode == peer_modes.DISABLE and (not port or selector.value):
            yield _problem(policy, port, own, parents, subject)


def _problem(
    policy: Resource, port: str, own: peer_modes.Written, parents: tuple[Resource | None, Resource | None], subject: Resource | str
) -> Problem:
    at = own.at[port]
    where = f"on port {port}" if port else "here"
    strict = [parent for parent in parents if parent is not None and parent.spec.get("mtls", "mode").text == peer_modes.STRICT]
    near, wide = (_mode(parent) for parent in parents)
    if port and peer_modes.at_ztunnel(own, near, wide, port) == peer_modes.STRICT:
        message = (
            f"{policy.title} sets mode DISABLE for port {port} and none for the rest, beneath {strict[0].title}, which is STRICT: "
            "ztunnel drops this exception, so callers without mTLS are refused on the port."
        )
        related: tuple[tuple[Node, str], ...] = ((strict[0].spec.get("mtls", "mode"), "STRICT holds for the port"),)
        return Problem(at, message, impact=Impact.STRICTER, related=related, fix=partial(_fix, at), subject=subject)
    message = (
        f"{policy.title} sets mode DISABLE {where}. Ambient has no way to turn mTLS off between its pods: ztunnel takes it for "
        "PERMISSIVE, which admits plaintext from outside of the mesh."
    )
    return Problem(at, message, fix=partial(_fix, at), subject=subject)


def _fix(at: Node) -> Fix | None:
    return changes().set(at, peer_modes.PERMISSIVE).fix("Write PERMISSIVE")


def _mode(parent: Resource | None) -> str | None:
    return None if parent is None else parent.spec.get("mtls", "mode").text or peer_modes.UNSET
