"""ML810 referencegrant-multiple-to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML810",
    "referencegrant-multiple-to",
    Severity.WARNING,
    impact=Impact.STRICTER,
    each=Kind.REFERENCE_GRANT,
    evidence="code",
    sources=["istio@86c9f01:releasenotes/notes/reference-grant-to-or-semantics.yaml"],
    remedy="Write one ReferenceGrant for each target, or move to Istio 1.30.",
    points_to=[],
)
def referencegrant_multiple_to(grant: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A ReferenceGrant names several targets of one kind, of which Istio before 1.30 keeps just one.

    References to the others are refused, and the routes that make them answer with 500.

    ```yaml
    # args: --target istio=1.29
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio.io/dataplane-mode: ambient
    ---
    apiVersion: gateway.networking.k8s.io/v1beta1
    kind: ReferenceGrant
    metadata:
      name: from-ingress
      namespace: shop
    spec:
      from:
        - group: gateway.networking.k8s.io
          kind: HTTPRoute
          namespace: ingress
      to:
        - group: ""
          kind: Service
          name: cart
        - group: ""
          kind: Service
          name: pay # expect: ML810
    ```

    Remedy: a grant for each target; from Istio 1.30 on one is enough. meshlint can write them, named after the grant and the
    target; it needs a look, because references that were refused are allowed then.

    Not reported when: the targets are of different kinds; one of them has no name, which allows all; Istio is 1.30 or later; the
    repository shows nothing of Istio.
    """
    if mesh.target.istio_at_least("1.30.0") or not mesh.istio_runs(grant):
        return
    seen: dict[tuple[str | None, str | None], str] = {}
    targets = list(grant.spec.each("to"))
    for to in targets:
        key, name = (to.get("group").text, to.get("kind").text), to.get("name").text
        whole = any((one.get("group").text, one.get("kind").text) == key and not one.get("name").present for one in targets)
        if name is None or whole:
            continue
        if key in seen:
            end = f"Istio {mesh.target.istio} keeps one name of a kind only (all from 1.30)"
            message = f"{grant.title} allows {key[1]} {seen[key]} and {name}; {end}."
            yield Problem(to.get("name"), message, fix=partial(_fix, grant, targets, mesh), final=True)
            return
        seen[key] = name


def _fix(grant: Resource, targets: Sequence[Node], mesh: Mesh) -> Fix | None:
    """Only the first target of each kind stays."""
    from meshlint.api import grants

    seen: set[tuple[str | None, str | None]] = set()
    moving: list[Node] = []
    for to in targets:
        key = (to.get("group").text, to.get("kind").text)
        whole = any((one.get("group").text, one.get("kind").text) == key and not one.get("name").present for one in targets)
        if key in seen and not whole:
            moving.append(to)
        seen.add(key)
    return grants.split(grant, moving, mesh)
