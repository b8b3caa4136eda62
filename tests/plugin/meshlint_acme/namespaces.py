"""ACME102 acme-namespace-owner."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Mode, Problem, Resource, Severity, rule


@rule(
    "ACME102", "acme-namespace-owner", Severity.ERROR, impact=Impact.ADVICE, family="acme",
    each=Kind.NAMESPACE, remedy="Label the namespace with acme.example/owner.", sources=["ACME platform handbook, chapter 2"],
)  # fmt: skip
def acme_namespace_owner(namespace: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A namespace in ambient mode names no owner.

    Whoever is on call must know whom to ask before a namespace moves.

    ```yaml
    apiVersion: v1
    kind: Namespace  # expect: ACME102=error
    metadata:
      name: shop
      labels:
        istio.io/dataplane-mode: ambient
    ```

    Remedy: the label `acme.example/owner`.

    Not reported when the namespace is not in ambient mode.
    """
    if mesh.mode(namespace) is Mode.AMBIENT and not namespace.label("acme.example/owner").present:
        yield Problem(namespace.root, f"{namespace.title} is in ambient mode and names no owner.")
