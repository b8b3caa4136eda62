"""ML221 peerauth-strict-redundant."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Problem, Resource, Severity, changes, peer_modes, rule


@rule(
    "ML221", "peerauth-strict-redundant", Severity.NOTE, impact=Impact.ADVICE, each=Kind.PEER_AUTHENTICATION, evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.PEER_AUTHENTICATION, Kind.SERVICE, *WORKLOADS],
    needs=["mode"],
    sources=[
        "https://istio.io/latest/docs/ambient/architecture/data-plane/", "istio/api@b8f8791:security/v1beta1/peer_authentication.proto",
    ],
    remedy="Keep the policy of the mesh and delete this one.",
    points_to=[Kind.PEER_AUTHENTICATION],
)  # fmt: skip
def peerauth_strict_redundant(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A PeerAuthentication repeats the mode that the namespace or the mesh has already: one object for the mesh is enough.

    Pods of the mesh talk mTLS anyway. STRICT still has one purpose, to refuse plaintext from outside, and one policy in
    the root namespace does that for all. The fewer there are, the easier it is to see where plaintext is admitted.

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
      name: default
      namespace: shop
    spec:
      mtls:
        mode: STRICT # expect: ML221
    ```

    Remedy: delete the repetition once the policy above it is sure to stay. The fix does that; it
    needs a look, because only people know whether the other one stays. There is none for one of several copies.

    Not reported when it is the policy of the mesh, and when the environment holds nothing above it: the last STRICT is never
    called superfluous; when the policy above has another mode or none, when the policy has modes for ports, when its pods stay
    out of ambient or are gateways, when a template fills in a mode, and when the policy above stands beside another copy of this one,
    in a folder that may be for another cluster. A policy without a selector that is not the only
    one of its namespace is left alone: which of them counts depends on their age.
    """
    own = peer_modes.written_modes(policy)
    wide = not policy.spec.get("selector", "matchLabels").value
    if own is None or own.ports or own.mode not in (peer_modes.STRICT, peer_modes.PERMISSIVE):
        return
    subject = mesh.reach(policy).subject
    if subject is None:
        return
    near, root = mesh.peer_authentications_above(policy)
    if policy.namespace in ("", mesh.settings.root_namespace) or (wide and near is not None):
        return
    above = next((found for found in (near, root) if found is not None and found.spec.get("mtls", "mode").present), None)
    if above is None or peer_modes.written_modes(above) is None or above.spec.get("mtls", "mode").text != own.mode:
        return
    other = mesh.apart(Kind.PEER_AUTHENTICATION, policy.namespace, policy.name)
    if other is not None and _folder(other) == _folder(above) != _folder(policy):
        return
    message = f"{policy.title} sets mode {own.mode}, which {above.title} says already."
    remedy = f"Delete it and keep {above.title}."
    related = ((above.spec.get("mtls", "mode"), "says the same"),)
    fix = partial(_fix, policy) if other is None else None  # without this one, its copy would be taken for superfluous
    yield Problem(own.at[""], message, remedy=remedy, related=related, fix=fix, subject=subject)


def _folder(resource: Resource) -> str:
    return resource.file.rpartition("/")[0]


def _fix(policy: Resource) -> Fix | None:
    return changes().remove_document(policy.root).fix("Delete it")
