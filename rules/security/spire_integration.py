"""ML224 spire-integration."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, MESHED_BY, WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Workload, rule

_TEMPLATES = "inject.istio.io/templates"
_LABEL = "spiffe.io/spire-managed-identity"
_SOCKETS = "/run/secrets/workload-spiffe-uds"  # where a sidecar looks for SPIRE's socket
_DRIVER = "csi.spiffe.io"
_INSTALLERS = (Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.HELM_RELEASE, Kind.ARGO_APPLICATION)


@rule(
    "ML224", "spire-integration", Severity.ERROR, impact=Impact.BREAKS, each=(*WORKLOADS, *_INSTALLERS), evidence="docs",
    reads=[*WORKLOADS, *MESHED_BY, Kind.NAMESPACE],
    needs=[_TEMPLATES, _LABEL, "csi", "sidecarInjectorWebhook", "WORKLOAD_IDENTITY_SOCKET_FILE"],
    sources=[
        "https://istio.io/latest/docs/ambient/migrate/", "istio@86c9f01:architecture/ambient/ztunnel.md",
        "https://istio.io/latest/docs/ops/integrations/spire/", "istio@86c9f01:releasenotes/notes/60108.yaml",
    ],
    remedy="Keep these workloads on sidecars, or use a build of Istio whose ztunnel works with SPIRE.",
    points_to=[],
)  # fmt: skip
def spire_integration(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Sidecars get their certificates from SPIRE; ztunnel cannot.

    ztunnel asks one CA for the certificates of all pods of its node: istiod, or one that lets a node ask for others. It never
    looks into a pod's SPIRE socket, so in ambient the pods have identities of another CA, and peers that only trust
    SPIRE's refuse them. The official guide lists SPIRE among what blocks a migration.

    ```yaml
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: cart
      namespace: shop
    spec:
      selector:
        matchLabels: {app: cart}
      template:
        metadata:
          labels: {app: cart}
          annotations:
            inject.istio.io/templates: sidecar,spire # expect: ML224
        spec:
          containers:
            - {name: cart, image: "shop/cart:1.4"}
    ```

    Remedy: leave the namespaces of these workloads on sidecars, beside ambient ones; where SPIRE is there for trust between
    clusters only, federate the roots instead. There is no automatic fix. For the proxies of waypoints and gateways Istio 1.31
    repaired the CSI socket; that does not help ztunnel.

    One finding for a workload: at its injection template, else at the volume that gives the sidecar SPIRE's socket, else at
    the label `spiffe.io/spire-managed-identity`, if the namespace is in the mesh. And one for an
    installation: at its injection template for SPIRE, else at the name of the socket in its proxyMetadata.

    Not reported when the pods are gateways or stay out of ambient, when an application uses SPIRE for itself (a volume
    elsewhere than at the sidecar's place), when only the gateways' template names SPIRE, and with Solo's distribution, which
    has a ztunnel for SPIRE.
    """
    if mesh.target.distribution == "solo":
        return
    if resource.kind not in _INSTALLERS:
        workload = mesh.workload(resource)
        if workload is not None and not workload.gateway and mesh.candidate(resource) and (found := _use(workload, mesh)) is not None:
            at, how = found
            message = f"{resource.title} {how}; ztunnel takes no certificates from SPIRE, so in ambient its identity is of another CA."
            yield Problem(at, message)
        return
    if (found := _installed(resource)) is not None:
        at, how = found
        message = f"{resource.title} {how}; ztunnel takes no certificates from SPIRE, so workloads injected with it cannot move."
        yield Problem(at, message, subject=MESH)


def _use(workload: Workload, mesh: Mesh) -> tuple[Node, str] | None:
    """Where a workload's sidecar is given SPIRE's certificates, and how."""
    templates = workload.template.get("metadata", "annotations", _TEMPLATES)
    if any("spire" in name for name in (templates.text or "").split(",")):
        return templates, f"is injected with a template for SPIRE ({templates.text})"
    if (volume := _volume(workload.template.get("spec"))) is not None:
        return volume, "mounts SPIRE's socket where its sidecar looks for it"
    label = workload.label(_LABEL)
    if label.present and label.text != "false" and mesh.meshed(workload.resource):
        return label, "has its identity managed by SPIRE"
    return None


def _volume(spec: Node) -> Node | None:
    """The volume of SPIRE's CSI driver that a container mounts where Istio's proxy looks."""
    mounts = [mount for part in ("containers", "initContainers") for mount in spec.each(part, "volumeMounts")]
    names = {mount.get("name").text for mount in mounts if (mount.get("mountPath").text or "").startswith(_SOCKETS)}
    for volume in spec.each("volumes"):
        if volume.get("csi", "driver").text == _DRIVER and volume.get("name").text in {*names, "workload-socket"}:
            return volume.get("csi", "driver")
    return None


def _installed(resource: Resource) -> tuple[Node, str] | None:
    values = resource.spec.get("values")
    if resource.kind is Kind.ARGO_APPLICATION:
        values = resource.spec.get("source", "helm", "valuesObject")
    templates = values.get("sidecarInjectorWebhook", "templates")
    named = [(name, at) for name, at in templates.items() if "spire" in name.lower()]
    own = [(name, at) for name, at in named if not name.lower().endswith(("gw", "gateway"))]
    if own:
        only = len(named) == sum(1 for _ in templates.items())
        return templates if only else own[0][1], f"has an injection template for SPIRE ({own[0][0]})"
    for config in (values.get("meshConfig"), resource.spec.get("meshConfig")):
        socket = config.get("defaultConfig", "proxyMetadata", "WORKLOAD_IDENTITY_SOCKET_FILE")
        if not named and socket.text:
            return socket, "tells sidecars to look for SPIRE's socket"
    return None
