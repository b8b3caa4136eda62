"""ML412 gateway-no-hbone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from meshlint.api import (
    AT_WAYPOINTS,
    ROUTES,
    WORKLOADS,
    Fix,
    Impact,
    Kind,
    Mesh,
    Node,
    Problem,
    Resource,
    Severity,
    Workload,
    changes,
    rule,
)

_SWITCH = "ISTIO_META_DISABLE_HBONE_SEND"
_IMAGE = re.compile(r"/proxyv2:v?(\d+)\.(\d+)")
_FIRST = (1, 24)


@rule(
    "ML412",
    "gateway-no-hbone",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=(Kind.DEPLOYMENT, Kind.DAEMON_SET, Kind.ISTIO_OPERATOR, Kind.K8S_GATEWAY),
    reads=[Kind.SERVICE, Kind.NAMESPACE, Kind.ARGO_APPLICATION, Kind.VIRTUAL_SERVICE, Kind.GATEWAY, *ROUTES, Kind.GATEWAY_CLASS,
           Kind.INGRESS, Kind.INGRESS_CLASS, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.SERVICE_ENTRY, *WORKLOADS],
    evidence="code",
    sources=[
        "istio@86c9f01:manifests/profiles/ambient.yaml",
        "istio@86c9f01:manifests/helm-profiles/ambient.yaml",
        "https://ambientmesh.io/docs/setup/sidecar-migration",
    ],
    remedy="Install the control plane with the ambient profile (PILOT_ENABLE_AMBIENT, ISTIO_META_ENABLE_HBONE) and restart the gateways.",
    points_to=[Kind.INGRESS, *AT_WAYPOINTS],
)  # fmt: skip
def gateway_no_hbone(gateway: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A gateway that sends traffic to ambient Services cannot speak HBONE: the control plane runs without the ambient
    profile, or the gateway's own settings switch it off.

    Such a gateway sends plaintext (or the old mTLS) to ambient pods. Under STRICT that is refused; under PERMISSIVE it is
    accepted without an identity, so that policies by principal fail.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio.io/dataplane-mode: ambient
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: web
      namespace: shop
    spec:
      selector:
        app: web
      ports:
        - name: http
          port: 80
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: web
      namespace: shop
    spec:
      parentRefs:
        - name: edge
          namespace: edge
      hostnames: ["shop.example.com"]
      rules:
        - backendRefs:
            - name: web
              port: 80
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: edge
      namespace: edge
    spec:
      selector:
        matchLabels:
          istio: ingressgateway
      template:
        metadata:
          labels:
            istio: ingressgateway
          annotations:
            inject.istio.io/templates: gateway
        spec:
          containers:
            - name: istio-proxy
              image: auto
              env:
                - name: ISTIO_META_DISABLE_HBONE_SEND
                  value: "true" # expect: ML412
    ```

    Remedy: `profile: ambient` for istiod, or its two settings, then a restart of the gateways:

        meshConfig:
          defaultConfig: {proxyMetadata: {ISTIO_META_ENABLE_HBONE: "true"}}
        pilot: {env: {PILOT_ENABLE_AMBIENT: "true"}}

    The fix takes the switch out of the gateway's own settings, and needs a look: the gateway then speaks HBONE, and is
    restarted. There is no automatic fix for the control plane, which install-ambient-not-enabled speaks of, nor for the image.

    Not reported when: the repository holds no installation; the profile is ambient or openshift-ambient; no Service that
    the gateways reach is ambient yet (a migration starts with the installation, and other rules say what that needs). What
    VirtualServices bring to other gateways, by the selectors of their Gateways, does not count for a Deployment.
    """
    own = list(_switched_off(gateway, mesh))
    yield from own
    if own or not _is_gateway(gateway, mesh):
        return
    old = _old_image(gateway, mesh)
    if old is None and mesh.ambient_control_plane() is not False:
        return
    reached = _ambient_services(gateway, mesh)
    if not reached:
        return
    names = ", ".join(list(dict.fromkeys(service.title for service, _ in reached))[:3])
    related = dict.fromkeys((node, f"ingress traffic for {service.title}, which is ambient") for service, node in reached)
    why = (
        f"runs {old.text}, older than Istio {_FIRST[0]}.{_FIRST[1]}"
        if old is not None
        else "gets no HBONE settings, because the control plane of this repository is installed without the ambient profile"
    )
    yield Problem(
        old if old is not None else _place(gateway),
        f"{gateway.title} {why}; it sends plaintext or legacy mTLS to ambient Services ({names}).",
        subject=reached[0][0],
        related=tuple(related)[:5],
    )


def _switched_off(gateway: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A gateway's own environment says that it must not send HBONE."""
    workload = mesh.workload(gateway)
    holders = [workload.template.get("spec")] if workload is not None and workload.gateway else []
    if gateway.kind is Kind.ISTIO_OPERATOR:
        holders = [entry.get("k8s") for entry in _components(gateway)]
    for holder in holders:
        for entry in [*holder.each("env"), *holder.each("containers", "env")]:
            if entry.get("name").text == _SWITCH and str(entry.get("value").value).lower() == "true":
                yield Problem(
                    entry.get("value"),
                    f"{gateway.title} sets {_SWITCH}=true: this gateway sends plaintext or legacy mTLS to ambient pods, which STRICT "
                    "refuses and policies by principal do not recognise.",
                    remedy=f"Remove {_SWITCH} from the gateway and restart it.",
                    fix=partial(_removed, entry),
                    subject=_subject(gateway, mesh),
                )


def _subject(gateway: Resource, mesh: Mesh) -> Resource | str:
    """Broken now, if an ambient Service is reached now."""
    reached = _ambient_services(gateway, mesh)
    return reached[0][0] if reached else "*"


def _is_gateway(gateway: Resource, mesh: Mesh) -> bool:
    if gateway.kind is Kind.ISTIO_OPERATOR:
        return bool(_components(gateway))
    if gateway.kind is Kind.K8S_GATEWAY:
        return not mesh.is_waypoint(gateway) and not mesh.foreign_class(gateway)
    workload = mesh.workload(gateway)
    return workload is not None and workload.gateway


def _components(operator: Resource) -> list[Node]:
    """The enabled gateways of an IstioOperator."""
    every = [*operator.spec.each("components", "ingressGateways"), *operator.spec.each("components", "egressGateways")]
    return [entry for entry in every if entry.get("enabled").value is not False and not entry.get("enabled").unknown]


def _place(gateway: Resource) -> Node:
    for field in ("ingressGateways", "egressGateways"):
        if gateway.kind is Kind.ISTIO_OPERATOR and gateway.spec.get("components", field):
            return gateway.spec.get("components", field)
    return gateway.root


def _old_image(gateway: Resource, mesh: Mesh) -> Node | None:
    workload = mesh.workload(gateway)
    if workload is None or not workload.gateway:
        return None
    for image in workload.template.each("spec", "containers", "image"):
        found = _IMAGE.search(image.text or "")
        if found and (int(found[1]), int(found[2])) < _FIRST:
            return image
    return None


def _ambient_services(gateway: Resource, mesh: Mesh) -> list[tuple[Resource, Node]]:
    """Services that are ambient now and get ingress traffic that may come through the gateway, each with the first route's destination."""
    out, workload = [], mesh.workload(gateway)
    for service in mesh.all(Kind.SERVICE):
        if mesh.ambient_now(service):
            every = (found for host in mesh.hosts_of(service) for found in mesh.ingress_users(host))
            users = [node for user, node in every if workload is None or not _by_another(user, workload, mesh)]
            if users:
                out.append((service, users[0]))
    return out


def _by_another(user: Resource, workload: Workload, mesh: Mesh) -> bool:
    """Is it a VirtualService all of whose Gateways are here and take other pods than these?"""
    refs = mesh.binding(user).gateways if user.kind is Kind.VIRTUAL_SERVICE else ()
    chosen = [ref.istio.spec.get("selector").strings() for ref in refs if ref.istio is not None]
    return bool(refs) and len(chosen) == len(refs) and not any(labels.items() <= workload.labels.items() for labels in chosen)


def _removed(entry: Node) -> Fix | None:
    return changes().remove(entry, prune=True).fix(f"Remove {_SWITCH}")
