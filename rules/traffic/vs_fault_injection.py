"""ML114 vs-fault-injection."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Problem, Resource, Severity, rule

_TEST_FOLDERS = ("test", "tests", "chaos")


@rule(
    "ML114", "vs-fault-injection", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["fault"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["gateway-api v1.6.1 apis/v1/httproute_types.go", "istio tests/integration/ambient/baseline_test.go"],
    remedy="Take the fault out if it is a leftover; else keep this host wholly on VirtualService, or inject faults with a chaos tool.",
    points_to=[],
)  # fmt: skip
def vs_fault_injection(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route of the mesh injects a fault, and the Gateway API has no fault filter.

    No release up to 1.6 has one, so the VirtualService has to survive and keeps the host from an HTTPRoute. ztunnel
    ignores it; a waypoint executes it. Behind a gateway that sends its traffic to the waypoint, a fault that is bound to
    both acts twice.

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
        - fault:  # expect: ML114
            abort: {percentage: {value: 10}, httpStatus: 500}
          route: [{destination: {host: ratings}}]
    ```

    Remedy: remove faults that were left behind after a test. Where they are meant, keep everything for this host in one
    VirtualService in its namespace, or let a chaos tool inject them. No automatic fix: the fault may be the purpose.

    Severity: a note with `--goal ambient`, where a waypoint goes on executing it, and in a kustomize overlay for tests
    (a folder named test, tests or chaos in its path). Not reported when the rule is for gateways only, which go on
    executing it (but with `--goal gateway-api`), when the fault has neither abort nor delay, and when the namespace of the
    host stays out of the mesh.
    """
    subject = mesh.mesh_subject(service)
    rules = mesh.mesh_rules(service) if subject is not None else ()
    if mesh.settings.to_gateway_api:
        rules = mesh.converted_rules(service)
    note = Severity.NOTE if not mesh.settings.to_gateway_api or _for_tests(mesh) else None
    keeps = "only a waypoint that keeps the VirtualService executes it in ambient"
    for rule_ in rules:
        fault = rule_.get("fault")
        kinds = [kind for kind in ("abort", "delay") if fault.get(kind)]
        if kinds:
            said = f"{service.title} injects a fault ({' and '.join(kinds)}): Gateway API {mesh.target.gateway_api} has no filter for that"
            message = f"{said}, and {keeps}." if subject is not None else f"{said}."
            yield Problem(fault, message, note, subject=subject)


def _for_tests(mesh: Mesh) -> bool:
    environment = mesh.environment
    return environment.kind == "kustomize" and any(part.lower() in _TEST_FOLDERS for part in environment.path.split("/"))
