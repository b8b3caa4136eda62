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


APP = """---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: a{number}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: a{number}}}}}
  template:
    metadata: {{labels: {{app: a{number}, version: v1}}}}
    spec: {{containers: [{{name: app, image: "app:1", ports: [{{containerPort: 8080}}]}}]}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: a{number}, namespace: {clients}}}
spec: {{host: a{number}.shop.svc.cluster.local, trafficPolicy: {{connectionPool: {{tcp: {{maxConnections: 5}}}}}}}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: a{number}, namespace: shop}}
spec: {{selector: {{matchLabels: {{app: a{number}}}}}, rules: [{{to: [{{operation: {{methods: [GET]}}}}]}}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: a{number}, namespace: shop}}
spec: {{podSelector: {{matchLabels: {{app: a{number}}}}}, ingress: [{{ports: [{{port: 80}}]}}]}}
"""


def applications(size: int) -> str:
    """Many kinds of objects in one namespace, half of what speaks of them in another one."""
    parts = (APP.format(number=number, clients="clients" if number % 2 else "shop") for number in range(size))
    return "".join(service(f"a{number}") + part for number, part in enumerate(parts))


def waypoints(size: int) -> str:
    """Namespaces with a waypoint, a Service and a policy for it."""
    own = MESH.split("---\n")
    policy = """---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: p, namespace: {where}}}
spec: {{targetRefs: [{{kind: Service, name: a}}], rules: [{{to: [{{operation: {{methods: [GET]}}}}]}}]}}
"""
    parts = (
        "---\n" + own[0].replace("shop", f"n{number}") + "---\n" + own[1].replace("shop", f"n{number}")
        + service("a", f"n{number}") + policy.format(where=f"n{number}")
        for number in range(size)
    )  # fmt: skip
    return "".join(parts)


def listeners(size: int) -> str:
    """Listeners of one Gateway, each with a route."""
    gateway = """---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: big, namespace: shop}
spec:
  gatewayClassName: istio
  listeners:
"""
    held = "".join(f"  - {{name: l{number}, port: 80, protocol: HTTP, hostname: h{number}.example.com}}\n" for number in range(size))
    route = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: r{number}, namespace: shop}}
spec:
  parentRefs: [{{name: big, sectionName: l{number}}}]
  hostnames: [h{number}.example.com]
  rules: [{{backendRefs: [{{name: a, port: 80}}]}}]
"""
    return service("a") + gateway + held + "".join(route.format(number=number) for number in range(size))


def releases(size: int) -> str:
    """Releases of istiod, each with values in a folder of its own."""
    release = """{file}r{number}/release.yaml
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: istiod, namespace: i{number}}}
spec: {{chart: {{spec: {{chart: istiod, version: 1.28.0}}}}, values: {{pilot: {{env: {{A: b}}}}}}}}
{file}r{number}/values.yaml
meshConfig: {{accessLogFile: /dev/stdout}}
global: {{istioNamespace: i{number}}}
pilot: {{env: {{A: b}}}}
"""
    return "".join(release.format(file=_FILE, number=number) for number in range(size))


def files_on_one_host(size: int) -> str:
    """The same host in many files of one folder, any of which may be a choice."""
    return service("a") + "".join(f"{_FILE}f{number}/route.yaml\n{pair(number, 'a', 'a')[4:]}" for number in range(size))


def kustomizations(size: int) -> str:
    """Applications in folders of their own, each an environment."""
    parts = (
        f"{_FILE}k{number}/kustomization.yaml\n{_OVERLAY.replace('../base', 'app.yaml')}namespace: n{number}\n"
        f"{_FILE}k{number}/app.yaml\n{SERVICE[4:].format(name='a', namespace='x')}{pair(0, 'a', 'a')}"
        for number in range(size)
    )  # fmt: skip
    return "".join(parts)


_FILE = "---\n# file "
_OVERLAY = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\n"
_BASE = (
    f"{_FILE}base/kustomization.yaml\n{_OVERLAY.replace('../base', 'app.yaml')}"
    f"{_FILE}base/app.yaml\n{SERVICE[4:].format(name='a', namespace='x')}{pair(0, 'a', 'a')}"
)
SHAPES = [all_on_one_host, each_its_own_host, one_host_at_one_gateway, policies, overlays, applications]
MORE_SHAPES = [
    each_its_own_namespace, all_at_one_gateway, wildcards_in_the_mesh, wildcard_rules, waypoints, listeners, releases, kustomizations,
    files_on_one_host,
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


@pytest.mark.parametrize("shape", [*SHAPES, *(pytest.param(shape, marks=pytest.mark.slow) for shape in MORE_SHAPES)])
def test_work_is_linear(tmp_path: Path, shape: Callable[[int], str]) -> None:
    check(tmp_path, shape, 80)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [all_on_one_host, each_its_own_host, one_host_at_one_gateway])
def test_two_thousand_of_each_are_linted_in_linear_work(tmp_path: Path, shape: Callable[[int], str]) -> None:
    check(tmp_path, shape, 2_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "size"),
    [
        (each_its_own_host, 300), (overlays, 500), (policies, 5_000), (wildcard_rules, 1_000), (applications, 150), (waypoints, 200),
        (listeners, 300), (kustomizations, 500), (files_on_one_host, 1_000),
    ],
)  # fmt: skip
def test_large_repositories_are_linted_in_linear_work(tmp_path: Path, shape: Callable[[int], str], size: int) -> None:
    check(tmp_path, shape, size)
