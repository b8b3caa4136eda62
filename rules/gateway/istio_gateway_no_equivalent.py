"""ML416 istio-gateway-no-equivalent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, converted, rule

_OPTIONS = "listeners[].tls.options (gateway.istio.io/tls-...)"
_TLS = {
    "httpsRedirect": ("a redirect of the listener", "Add an HTTPRoute with a RequestRedirect filter to the http listener."),
    "serverCertificate": ("a certificate in a file", "Put the certificate into a Secret and name it in certificateRefs."),
    "privateKey": ("a key in a file", "Put the key into a Secret and name it in certificateRefs."),
    "caCertificates": ("client CAs in a file", "Put the CAs into a ConfigMap and name it in spec.tls.frontend (Gateway API 1.5)."),
    "minProtocolVersion": ("a field for TLS versions", f"Use {_OPTIONS}."),
    "maxProtocolVersion": ("a field for TLS versions", f"Use {_OPTIONS}."),
    "cipherSuites": ("a field for cipher suites", f"Use {_OPTIONS}."),
    "subjectAltNames": ("a check of the client's names", f"Use {_OPTIONS}, or an AuthorizationPolicy at the gateway."),
    "verifyCertificateSpki": ("a check of the client's key", "Keep the Istio Gateway for this server."),
    "verifyCertificateHash": ("a check of the client's certificate hash", "Keep the Istio Gateway for this server."),
}
_MODES = {
    "ISTIO_MUTUAL": "Use the option gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL.",
    "OPTIONAL_MUTUAL": "Keep the Istio Gateway for this server.",
}


@rule(
    "ML416",
    "istio-gateway-no-equivalent",
    Severity.WARNING,
    impact=Impact.DIFFERS,
    each=Kind.GATEWAY,
    reads=WORKLOADS,
    evidence="code",
    sources=[
        "ingress2gateway@89ab0cd:pkg/i2gw/providers/istio/converter.go",
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (buildTLS)",
    ],
    remedy="Express it in another way before the Gateway is converted, or keep the Istio Gateway, which works on with ambient.",
    points_to=[*WORKLOADS],
)
def istio_gateway_no_equivalent(gateway: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An Istio Gateway uses a field that a Gateway of the Gateway API does not have.

    Converters drop these fields with a line in their log: TLS versions, cipher suites, certificates in files, the redirect
    to https, the scope of a host to a namespace. That weakens TLS or loses the redirect. An Istio Gateway is also served by
    every Deployment that its selector takes, while a Kubernetes Gateway owns one.

    ```yaml
    # args: --goal gateway-api
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata:
      name: public
      namespace: ingress
    spec:
      selector:
        istio: ingressgateway
      servers:
        - port:
            number: 80
            name: http
            protocol: HTTP
          hosts:
            - shop.example.com
          tls:
            httpsRedirect: true # expect: ML416
    ```

    Remedy: TLS options of Istio in `listeners[].tls.options`, `credentialName` as `certificateRefs`, a redirect as an HTTPRoute:

        kind: HTTPRoute
        metadata: {name: https-redirect}
        spec:
          parentRefs: [{name: public, sectionName: http}]
          rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}]}]

    Each field wants something else. The fix converts a Gateway together with the VirtualServices that are bound to it, where all
    of them convert, and where its pods can be kept: their Service is known, and no certificate has to move.

    Only with `--goal gateway-api`: Istio Gateways that stay are fully supported with ambient. Not reported when: the field says
    what is the default anyway (httpsRedirect: false, hosts with `*/`); tls.mode is AUTO_PASSTHROUGH
    (eastwest-auto-passthrough).
    """
    if mesh.settings.goal != "gateway-api":
        return
    for server in gateway.spec.each("servers"):
        for problem in _server(gateway, server):
            yield problem._replace(fix=partial(_fix, gateway, mesh))
    selector = gateway.spec.get("selector")
    found = mesh.workloads(selector.strings(), gateway.namespace) if selector.strings() else ()
    gateways = [workload.resource for workload in found if workload.gateway]
    if len(gateways) > 1:
        names = ", ".join(one.title for one in gateways[:3])
        message = f"{gateway.title} is served by {len(gateways)} workloads ({names}); a Kubernetes Gateway owns one Deployment."
        related = tuple((one.root, "a gateway that it selects") for one in gateways[:5])
        yield Problem(selector, message, related=related, remedy="Write one Gateway for each, or name the Service in addresses.")


def _fix(gateway: Resource, mesh: Mesh) -> Fix | None:
    """The Gateway, in every file that has it, and what is bound to it."""
    copies = [one for one in mesh.around(Kind.GATEWAY) if one.identity == gateway.identity and one.root != gateway.root]
    bound = [service for _, service in mesh.gateway_users(gateway)]
    return converted([gateway, *copies, *bound], mesh, gateways=True)


def _server(gateway: Resource, server: Node) -> Iterator[Problem]:
    for field, (what, remedy) in _TLS.items():
        node = server.get("tls", field)
        if node and node.value is not False and node.value != []:
            yield _problem(gateway, node, f"tls.{field}", what, remedy)
    mode = server.get("tls", "mode")
    if mode.text in _MODES:
        yield _problem(gateway, mode, f"tls.mode {mode.text}", "this mode", _MODES[mode.text or ""])
    for field in ("bind", "defaultEndpoint"):
        if server.get(field):
            yield _problem(gateway, server.get(field), field, "it", "Keep the Istio Gateway for this server.")
    if server.get("port", "targetPort"):
        yield _problem(gateway, server.get("port", "targetPort"), "port.targetPort", "it", "Map the port in the Service of the gateway.")
    for host in server.each("hosts"):
        namespace, slash, _ = (host.text or "").partition("/")
        if slash and namespace != "*":
            yield _problem(gateway, host, f"the host {host.text}", "a namespace for a host", "Use the listener's allowedRoutes.namespaces.")


def _problem(gateway: Resource, at: Node, field: str, what: str, remedy: str) -> Problem:
    return Problem(at, f"{gateway.title} uses {field}; a listener of the Gateway API has no field for {what}.", remedy=remedy)
