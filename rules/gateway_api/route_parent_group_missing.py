"""ML805 route-parent-group-missing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import ROUTES, WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_GROUPS = {"Service": "", "ServiceEntry": "networking.istio.io"}
_API = "gateway.networking.k8s.io"
_REFERRED = {"Service": "", "Secret": "", "ConfigMap": "", "ServiceEntry": "networking.istio.io"}


@rule(
    "ML805",
    "route-parent-group-missing",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(*ROUTES, Kind.REFERENCE_GRANT),
    reads=[Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.NAMESPACE, *WORKLOADS],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (toInternalParentReference)",
        "https://gateway-api.sigs.k8s.io/reference/spec/",
        "https://linkerd.io/2/reference/httproute/ (parentReference)",
    ],
    remedy='Write the group: "" for Service, networking.istio.io for ServiceEntry.',
    points_to=[],
)
def route_parent_group_missing(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A parentRef names a Service or ServiceEntry without its API group, and the default group is that of Gateway.

    `group` defaults to gateway.networking.k8s.io: the reference is one to an unknown kind, which every controller skips
    quietly, without a status. That is so on sidecars too: it stays an error before the migration.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      parentRefs:
        - kind: Service # expect: ML805
          name: reviews
          port: 9080
      rules:
        - backendRefs:
            - name: reviews
              port: 9080
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      selector:
        app: reviews
      ports:
        - name: http
          port: 9080
    ```

    Remedy: `group: ""` (the core group) beside `kind: Service`, `group: networking.istio.io` beside `kind: ServiceEntry`;
    meshlint can write it, and that is safe: no other object can be meant. A ReferenceGrant's `to` with another group than the
    kind's (such as `core`) allows nothing either; its fix needs a look, because it begins to allow something.

    Not reported when the group is right or a template fills it in; for backendRefs, whose default is the core group;
    for parents of kinds that other groups may define; and for a Service of `group: core`, which is how Linkerd is told of a Service, where
    what is applied together shows Linkerd and nothing of Istio.
    """
    if resource.kind is Kind.REFERENCE_GRANT:
        yield from _grants(resource)
        return
    for ref in resource.spec.each("parentRefs"):
        kind, group = ref.get("kind"), ref.get("group")
        wanted = _GROUPS.get(kind.text or "")
        if wanted is None or group.unknown or (group.text if group.present else _API) == wanted:
            continue
        if (kind.text, group.text) == ("Service", "core") and mesh.linkerd_alone():
            continue
        said = f'group "{group.text}"' if group.text is not None else f"no group, which means {_API}"
        yield Problem(
            group if group.text is not None else kind,
            f"{resource.title} names {kind.text} {ref.get('name').text or ''} as its parent with {said}: the kind is of group "
            f'"{wanted}", so the reference is skipped without a status.',
            remedy=f'Write group: "{wanted}".',
            fix=partial(_fix, ref, wanted, safe=True),
            final=True,
        )


def _grants(grant: Resource) -> Iterator[Problem]:
    for to in grant.spec.each("to"):
        kind, group = to.get("kind"), to.get("group")
        wanted = _REFERRED.get(kind.text or "")
        if wanted is not None and group.text is not None and group.text != wanted:
            yield Problem(
                group,
                f'{grant.title} allows references to {kind.text} of group "{group.text}", not of "{wanted}": there are none.',
                remedy=f'Write group: "{wanted}".',
                fix=partial(_fix, to, wanted, safe=False),
                final=True,
            )


def _fix(ref: Node, wanted: str, safe: bool) -> Fix | None:
    """`group` before `kind`."""
    return changes().set_key(ref, "group", wanted, before="kind").fix(f'Write group: "{wanted}"', safe=safe)
