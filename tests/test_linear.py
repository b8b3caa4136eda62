"""Work grows with the objects, not with their pairs: counted in calls, Python's and builtin ones, not in seconds."""

from __future__ import annotations

import cProfile
from collections.abc import Callable
from pathlib import Path

import pytest

from meshlint.testing import lint

MESH = """apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: classic, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
"""
PAIR = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: v{number}, namespace: {namespace}}}
spec:
  hosts: ["{host}"]
  gateways: [{gateway}]
  http:
  - match: [{{uri: {{prefix: /p{number}/}}}}]
    route: [{{destination: {{host: {service}, subset: v1}}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: r{number}, namespace: {namespace}}}
spec:
  parentRefs: [{parent}]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: /p{number}}}}}]
    backendRefs: [{{name: {service}, port: 80}}]
"""
IN_MESH = '{{group: "", kind: Service, name: {}}}'


def pair(number: int, host: str, service: str, namespace: str = "shop", gateway: str = "mesh", parent: str = "") -> str:
    above = parent or IN_MESH.format(service)
    return PAIR.format(number=number, host=host, service=service, namespace=namespace, gateway=gateway, parent=above)


def service(name: str, namespace: str = "shop") -> str:
    return SERVICE.format(name=name, namespace=namespace)


def all_on_one_host(size: int) -> str:
    return service("a") + "".join(pair(number, "a", "a") for number in range(size))


def each_its_own_host(size: int) -> str:
    return "".join(service(f"a{number}") + pair(number, f"a{number}", f"a{number}") for number in range(size))


def each_its_own_namespace(size: int) -> str:
    hosts = [(number, f"n{number}") for number in range(size)]
    return "".join(service("a", where) + pair(number, f"a.{where}.svc.cluster.local", "a", where) for number, where in hosts)


def all_at_one_gateway(size: int) -> str:
    return service("a") + "".join(
        pair(number, f"h{number}.example.com", "a", gateway="classic", parent="{name: public}") for number in range(size)
    )


def one_host_at_one_gateway(size: int) -> str:
    return service("a") + "".join(pair(number, "h.example.com", "a", gateway="classic", parent="{name: public}") for number in range(size))


def wildcards_in_the_mesh(size: int) -> str:
    return service("a") + "".join(pair(number, f"*.h{number}.example.com", "a") for number in range(size))


def wildcard_rules(size: int) -> str:
    rule = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: d{number}, namespace: shop}}
spec: {{host: "*.h{number}.example.com", subsets: [{{name: v1, labels: {{version: v1}}}}]}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: e{number}, namespace: shop}}
spec: {{hosts: ["*.h{number}.example.com"], ports: [{{number: 80, name: http, protocol: HTTP}}], resolution: NONE}}
"""
    pairs = (pair(number, f"a.h{number}.example.com", f"a.h{number}.example.com") for number in range(size))
    return "".join(rule.format(number=number) + one for number, one in enumerate(pairs))


def policies(size: int) -> str:
    policy = """---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: p{number}, namespace: n{where}}}
spec:
  selector: {{matchLabels: {{app: a{number}}}}}
  rules: [{{to: [{{operation: {{methods: [GET]}}}}]}}]
"""
    return "".join(policy.format(number=number, where=number // 10) for number in range(size))


def overlays(size: int) -> str:
    """Overlays of one base, each an environment with a namespace of its own."""
    return "".join(f"{_FILE}o{number}/kustomization.yaml\n{_OVERLAY}namespace: n{number}\n" for number in range(size)) + _BASE


_FILE = "---\n# file "
_OVERLAY = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\n"
_BASE = (
    f"{_FILE}base/kustomization.yaml\n{_OVERLAY.replace('../base', 'app.yaml')}"
    f"{_FILE}base/app.yaml\n{SERVICE[4:].format(name='a', namespace='x')}{pair(0, 'a', 'a')}"
)
SHAPES = [
    all_on_one_host, each_its_own_host, each_its_own_namespace, all_at_one_gateway, one_host_at_one_gateway, wildcards_in_the_mesh,
    wildcard_rules, policies, overlays,
]  # fmt: skip


def work(folder: Path, shape: Callable[[int], str], size: int) -> tuple[int, int]:
    """The calls of a run over `size` VirtualServices and HTTPRoutes each, and the length of its report."""
    folder.mkdir()
    alone, *files = (MESH + shape(size)).split(_FILE)
    (folder / "mesh.yaml").write_text(alone, "utf-8")
    for file in files:
        name, _, text = file.partition("\n")
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    profile = cProfile.Profile()
    profile.enable()
    run = lint(folder, "--no-cache", "--jobs", "1", "--render", "never")
    profile.disable()
    assert run.code in (0, 1)
    assert run.report["coverage"]["environments"][0]["name"]
    return sum(entry.callcount for entry in profile.getstats()), len(run.out)  # type: ignore[attr-defined]


def check(tmp_path: Path, shape: Callable[[int], str], size: int) -> None:
    work(tmp_path / "first", shape, 3)  # what is imported and read once
    half, half_said = work(tmp_path / "half", shape, size // 2)
    whole, whole_said = work(tmp_path / "whole", shape, size)
    assert whole < 2.2 * half, f"{half:,} calls for {size // 2} of each, {whole:,} for {size}"
    assert whole_said < 2.3 * half_said, "the report grows faster than the objects"


@pytest.mark.parametrize("shape", SHAPES)
def test_work_is_linear(tmp_path: Path, shape: Callable[[int], str]) -> None:
    check(tmp_path, shape, 80)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [all_on_one_host, each_its_own_host, one_host_at_one_gateway])
def test_two_thousand_of_each_are_linted_in_linear_work(tmp_path: Path, shape: Callable[[int], str]) -> None:
    check(tmp_path, shape, 2_000)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "size"), [(each_its_own_host, 300), (overlays, 500), (policies, 5_000), (wildcard_rules, 1_000)])
def test_large_repositories_are_linted_in_linear_work(tmp_path: Path, shape: Callable[[int], str], size: int) -> None:
    check(tmp_path, shape, size)
