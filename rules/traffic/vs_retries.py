"""ML115 vs-retries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, converted, rule

_FIELD = "spec.rules[].retry"
_MAPPED = frozenset({"connect-failure", "refused-stream", "unavailable", "cancelled", "retriable-status-codes"})


@rule(
    "ML115", "vs-retries", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["retries"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=[
        "gateway-api v1.6.1 apis/v1/httproute_types.go", "istio pilot/pkg/config/kube/gateway/conversion.go",
        "https://github.com/istio/istio/pull/60682",
    ],
    remedy="Keep the VirtualService if its conditions matter; else use HTTPRoute retry with the experimental CRDs pinned.",
    points_to=[],
)  # fmt: skip
def vs_retries(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route of the mesh has a retry policy that the target's HTTPRoute cannot express.

    `retry` of HTTPRoute is experimental from Gateway API 1.2 to 1.6 and knows attempts, codes and backoff; Istio always
    retries on connect-failure, refused-stream, unavailable and cancelled beside the codes. In the standard channel the
    field does not exist. In ambient it is the waypoint that retries, no longer the client: without one nobody does.

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
    kind: VirtualService
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      hosts: [ratings]  # expect: ML105
      http:
        - retries:
            attempts: 3
            retryOn: 5xx,reset  # expect: ML115
          route: [{destination: {host: ratings}}]
    ```

    Remedy: where precise conditions matter, keep the VirtualService in the namespace of the host, with a waypoint. Where
    they do not, HTTPRoute `retry` with attempts and codes (experimental channel), `timeouts.backendRequest` instead of
    `perTryTimeout`. `attempts: 0` switches retries off and must be carried over, not dropped. meshlint can
    convert the VirtualService where a route says the same as the whole of it (`meshlint convert` tells what stays). There is no
    automatic fix where it has no counterpart: which conditions the application relies on is not in the files.

    One finding for each `retries`: at the first field that decides, else at `retries` where the channel lacks the counterpart.
    Not reported when the channel is experimental and the policy has only attempts, backoff, status codes and the four
    conditions that Istio sets anyway; when the rule is for gateways only, which go on executing it (but with
    `--goal gateway-api`); with `--goal ambient`, where the VirtualService stays; and when the namespace of the host stays out of the mesh.
    """
    subject = mesh.mesh_subject(service)
    retry = mesh.target.field("HTTPRoute", _FIELD)
    channel = f"the {mesh.target.channel} channel of Gateway API {mesh.target.gateway_api}"
    lacks = "" if retry.in_target else f"{channel} has no HTTPRoute retry"
    fix = partial(converted, [service], mesh)
    for rule_ in mesh.converted_rules(service):
        retries = rule_.get("retries")
        if not retries:
            continue
        fields = list(_inexpressible(retries))
        if fields:
            said = "; ".join(said for _, said, _ in fields)
            also = f" {lacks[0].upper()}{lacks[1:]} at all ({retry.since})." if lacks else ""
            message = f"{service.title} retries {said}.{also}{_off(retries)}"
            yield Problem(fields[0][0], message, remedy=_remedy([own for _, _, own in fields if own], lacks), fix=fix, subject=subject)
        elif lacks:
            message = f"{service.title} sets a retry policy, and {lacks} ({retry.since}).{_off(retries)}"
            yield Problem(retries, message, fix=fix, subject=subject)


def _remedy(own: list[str], lacks: str) -> str | None:
    if own and lacks:
        return f"{own[0]} For the retry itself keep the VirtualService, or pin the experimental CRDs."
    return own[0] if own else None


def _off(retries: Node) -> str:
    return " attempts: 0 switches retries off: carry it over, do not drop it." if retries.get("attempts").value == 0 else ""


def _inexpressible(retries: Node) -> Iterator[tuple[Node, str, str | None]]:
    """Fields without a counterpart in HTTPRoute retry, in the order of the text: the place, what it says, a remedy of its own."""
    for key, node in retries.items():
        if key == "retryOn" and (others := _others(node)):
            yield node, f"on {', '.join(others)}, and HTTPRoute retry knows status codes only", None
        elif key == "perTryTimeout" and node:
            said = f"with perTryTimeout {node.value}, and HTTPRoute retry has no timeout of its own"
            yield node, said, "Write perTryTimeout as timeouts.backendRequest of the HTTPRoute."
        elif key == "retryRemoteLocalities" and node.value is True:
            yield node, "in other localities (retryRemoteLocalities), and HTTPRoute retry cannot choose", None
        elif key == "retryIgnorePreviousHosts" and node.value is False:
            yield node, "on hosts that failed before (retryIgnorePreviousHosts: false), and HTTPRoute retry cannot choose", None


def _others(node: Node) -> list[str]:
    conditions = [part.strip() for part in (node.text or "").split(",")]
    return [part for part in conditions if part and part not in _MAPPED and not part.isdigit()]
