"""ML133 se-export-to-ignored."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_ANNOTATION = "networking.istio.io/exportTo"
_OPTION = "1.31.0"


@rule(
    "ML133", "se-export-to-ignored", Severity.WARNING, impact=Impact.UNENFORCED, evidence="code",
    reads=[
        Kind.SERVICE_ENTRY, Kind.SERVICE, Kind.NAMESPACE, Kind.ARGO_APPLICATION, Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.CONFIG_MAP,
        Kind.HELM_RELEASE,
    ],
    sources=[
        "https://github.com/istio/istio/issues/55163", "istio pilot/pkg/serviceregistry/ambient/services.go",
        "istio/api mesh/v1alpha1/config.proto (serviceEntryVisibility)",
    ],
    remedy="Control access with AuthorizationPolicies at an egress waypoint, and give every external host one owner.",
    points_to=[Kind.SERVICE_ENTRY, Kind.SERVICE],
)  # fmt: skip
def se_export_to_ignored(mesh: Mesh) -> Iterator[Problem]:
    """A ServiceEntry or Service is exported to some namespaces only (`exportTo`), which ambient does not heed.

    istiod hands every Service and ServiceEntry to every ztunnel, whatever exportTo says. A private external host becomes
    known to all ambient workloads: DNS capture answers for it, and its traffic is routed for everybody. Definitions of the
    same host that several namespaces keep privately meet, and one of them wins.

    ```yaml
    # args: --target istio=1.30
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
    spec:
      hosts: [api.example.com]
      exportTo: ["."]  # expect: ML133
      location: MESH_EXTERNAL
      resolution: DNS
      ports: [{number: 443, name: tls, protocol: TLS}]
    ```

    Remedy: exportTo is no access control in ambient: bind the ServiceEntry to an egress waypoint and write an
    AuthorizationPolicy for it; give a host that several namespaces define one owner. From Istio 1.31 on
    `meshConfig.serviceEntryVisibility` limits who sees ServiceEntries, in ambient too. No automatic fix: whom the
    host is for is known, but not which waypoint shall say so.

    One finding for each object with an exportTo (a Service: the annotation `networking.istio.io/exportTo`), and one for a
    `meshConfig.defaultServiceExportTo`. Not reported when it exports to `*`; for VirtualServices and DestinationRules, whose
    exportTo waypoints heed (vs-export-to-hides-from-waypoint, dr-export-to-hides-from-waypoint); when the namespace of the
    object stays out of the mesh; for ServiceEntries that ztunnel cannot tell by an address anyway (resolution NONE without
    addresses, wildcards without DYNAMIC_DNS); when a template fills in a value; for ServiceEntries where serviceEntryVisibility is set and
    the target has it; with `--goal gateway-api`, where nothing is ambient now.
    """
    governed = _governed(mesh)
    for entry in mesh.all(Kind.SERVICE_ENTRY):
        exported = entry.spec.get("exportTo")
        if not governed and _narrow(node.text for node in exported.each()) and _moves(entry, mesh) and _known(entry):
            yield _problem(exported, entry, ", ".join(node.text or "" for node in exported.each()), mesh)
    for service in mesh.all(Kind.SERVICE):
        written = service.annotation(_ANNOTATION)
        if written.text and _narrow(part.strip() for part in written.text.split(",")) and _moves(service, mesh):
            yield _problem(written, service, written.text, mesh)
    for setting in mesh.mesh_settings():
        default = setting.config.get("defaultServiceExportTo")
        if _narrow(node.text for node in default.each()) and (mesh.settings.to_ambient or mesh.ambient_now(MESH)):
            where = setting.holder.title if setting.holder is not None else f"Configuration in {setting.file}"
            what = "Services" if governed else "Services and ServiceEntries"
            said = f"{where} exports {what} to their own namespace by default (defaultServiceExportTo)."
            yield Problem(default, f"{said} Ambient does not heed it: every ztunnel knows all of them.", subject=MESH)


def _problem(at: Node, resource: Resource, values: str, mesh: Mesh) -> Problem:
    whom = "nobody (~)" if values == "~" else f"{values} only"
    message = f"{resource.title} exports to {whom}. Ambient does not heed exportTo: every ztunnel knows the "
    if resource.kind is not Kind.SERVICE_ENTRY:
        return Problem(at, message + "Service and sends to it.", remedy="Control access with an AuthorizationPolicy for the Service.")
    hosts = ", ".join(node.text or "" for node in list(resource.spec.each("hosts"))[:3])
    option = "Set meshConfig.serviceEntryVisibility, or control access with an AuthorizationPolicy at an egress waypoint."
    return Problem(
        at,
        f"{message}host, DNS capture answers for it, and what ambient workloads of any namespace send to {hosts or 'it'} takes this entry.",
        remedy=option if mesh.target.istio_at_least(_OPTION) else None,
    )


def _governed(mesh: Mesh) -> bool:
    """Does the mesh say itself who sees ServiceEntries, in a way that ambient heeds?"""
    if not mesh.target.istio_at_least(_OPTION):
        return False
    return any(setting.config.get("serviceEntryVisibility").is_map for setting in mesh.mesh_settings())


def _narrow(values: Iterator[str | None]) -> bool:
    written = list(values)
    return bool(written) and None not in written and "*" not in written


def _known(entry: Resource) -> bool:
    """Does ambient take the entry at all: by an address, given or allocated, or as a DYNAMIC_DNS wildcard?"""
    resolution = entry.spec.get("resolution")
    if resolution.text == "DYNAMIC_DNS" or resolution.unknown or entry.spec.get("addresses").present:
        return True
    named = any(host.text and not host.text.startswith("*") for host in entry.spec.each("hosts"))
    return named and resolution.text not in (None, "NONE")


def _moves(resource: Resource, mesh: Mesh) -> bool:
    return mesh.candidate(resource) and (mesh.settings.to_ambient or mesh.ambient_now(resource))
