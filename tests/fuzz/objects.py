"""One mesh with an object of every kind that meshlint knows, its fields filled in: what wrong values are put into."""

from __future__ import annotations

from tests.fuzz.parts import (
    DESTINATION,
    ENVOY_PATCH,
    FILTER,
    HTTP_RULE,
    INGRESS_PATH,
    L4,
    LABELS,
    LISTENER,
    PARENTS,
    PEER,
    POD,
    POLICY,
    POLICY_RULE,
    REF,
    ROUTE,
    SELECTOR,
    TARGETED,
    TARGETS,
    TEMPLATE,
    Json,
    make,
)
from tests.fuzz.vendors import VENDORS


def _istio(kind: str, spec: Json, name: str = "") -> Json:
    return make("networking.istio.io/v1", kind, spec, name)


def _gateway_api(kind: str, spec: Json, version: str = "v1", name: str = "") -> Json:
    return make(f"gateway.networking.k8s.io/{version}", kind, spec, name)


OBJECTS: list[Json] = [
    {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {**LABELS, "istio-injection": "enabled", "istio.io/rev": "x"}},
    },
    make(
        "v1",
        "Service",
        {
            "selector": {"app": "reviews"},
            "type": "ClusterIP",
            "clusterIP": "None",
            "externalName": "x.example",
            "externalIPs": ["1.1.1.1"],
            "ports": [{"name": "http", "port": 9080, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}],
            "internalTrafficPolicy": "Local",
            "sessionAffinity": "ClientIP",
        },
        "reviews",
    ),
    make("v1", "Service", {"type": "ExternalName", "externalName": "bank.example"}, "external"),
    make("v1", "Pod", POD["spec"]),
    make("v1", "ServiceAccount", name="reviews"),
    make("v1", "ConfigMap", name="istio", data={"mesh": "outboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n", "meshNetworks": "networks: {}"}),
    make("v1", "ReplicationController", TEMPLATE),
    *(make("apps/v1", kind, TEMPLATE) for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")),
    make("batch/v1", "Job", TEMPLATE),
    make("batch/v1", "CronJob", {"schedule": "* * * * *", "jobTemplate": {"metadata": {"labels": LABELS}, "spec": TEMPLATE}}),
    make(
        "networking.k8s.io/v1",
        "Ingress",
        {
            "ingressClassName": "istio",
            "defaultBackend": INGRESS_PATH["backend"],
            "tls": [{"hosts": ["x"], "secretName": "s"}],
            "rules": [{"host": "x.example", "http": {"paths": [INGRESS_PATH]}}],
        },
    ),
    make("networking.k8s.io/v1", "IngressClass", {"controller": "istio.io/ingress-controller"}, "istio"),
    make(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        {
            "podSelector": SELECTOR,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": PEER, "ports": [{"port": 9080, "protocol": "TCP", "endPort": 9090}]}],
            "egress": [{"to": PEER, "ports": [{"port": "http"}]}],
        },
    ),
    make(
        "cilium.io/v2",
        "CiliumNetworkPolicy",
        {
            "endpointSelector": SELECTOR,
            "ingress": [{"fromEndpoints": [SELECTOR], "toPorts": [{"ports": [{"port": "9080", "protocol": "TCP"}]}]}],
            "egress": [{"toEndpoints": [SELECTOR], "toPorts": [{"ports": [{"port": "53", "protocol": "UDP"}]}]}],
        },
    ),
    make(
        "projectcalico.org/v3",
        "NetworkPolicy",
        {
            "selector": "app == 'reviews'",
            "types": ["Ingress", "Egress"],
            "ingress": [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [9080]}}],
            "egress": [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [9080, "1:1024"]}}],
        },
    ),
    make(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        {
            "group": "gateway.networking.k8s.io",
            "names": {"kind": "HTTPRoute"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {}}],
        },
        "httproutes.gateway.networking.k8s.io",
    ),
    _istio(
        "VirtualService",
        {
            "hosts": ["reviews", "*.example.com", "bank.example"],
            "gateways": ["mesh", "shop/gateway"],
            "exportTo": ["."],
            "http": [ROUTE],
            "tcp": [L4],
            "tls": [L4],
        },
    ),
    _istio(
        "DestinationRule",
        {
            "host": "reviews",
            "trafficPolicy": POLICY,
            "exportTo": ["*"],
            "workloadSelector": {"matchLabels": {"app": "x"}},
            "subsets": [{"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": POLICY}, {"name": "v2"}],
        },
    ),
    _istio(
        "Gateway",
        {
            "selector": {"istio": "egressgateway"},
            "servers": [
                {
                    "port": {"number": 443, "name": "tls", "protocol": "HTTPS", "targetPort": 1},
                    "hosts": ["shop/*", "bank.example"],
                    "tls": {"mode": "MUTUAL", "credentialName": "c", "httpsRedirect": True},
                    "bind": "x",
                }
            ],
        },
    ),
    _istio(
        "ServiceEntry",
        {
            "hosts": ["bank.example", "*.partners.example"],
            "addresses": ["240.0.0.1"],
            "location": "MESH_EXTERNAL",
            "resolution": "DNS",
            "ports": [{"number": 443, "name": "tls", "protocol": "TLS", "targetPort": 1}],
            "exportTo": ["."],
            "subjectAltNames": ["a"],
            "endpoints": [{"address": "1.1.1.1", "ports": {"tls": 1}, "labels": {"a": "b"}, "network": "n"}],
            "workloadSelector": {"labels": {"app": "vm"}},
        },
        "bank",
    ),
    _istio(
        "Sidecar",
        {
            "workloadSelector": {"labels": {"app": "reviews"}},
            "inboundConnectionPool": POLICY["connectionPool"],
            "ingress": [
                {
                    "port": {"number": 80, "protocol": "HTTP", "name": "h"},
                    "defaultEndpoint": "127.0.0.1:80",
                    "captureMode": "NONE",
                    "tls": {},
                }
            ],
            "egress": [{"hosts": ["./*", "istio-system/*"], "port": {"number": 1}, "bind": "x", "captureMode": "NONE"}],
            "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY", "egressProxy": DESTINATION},
        },
    ),
    make(
        "networking.istio.io/v1alpha3",
        "EnvoyFilter",
        {
            "workloadSelector": {"labels": {"app": "x"}},
            **TARGETS,
            "priority": 1,
            "configPatches": [ENVOY_PATCH, {**ENVOY_PATCH, "applyTo": "CLUSTER"}],
        },
    ),
    _istio(
        "WorkloadEntry",
        {"address": "1.1.1.1", "labels": {"app": "vm"}, "serviceAccount": "x", "network": "n", "ports": {"a": 1}, "weight": 1},
    ),
    _istio(
        "WorkloadGroup",
        {
            "metadata": {"labels": LABELS, "annotations": {"a": "b"}},
            "template": {"serviceAccount": "x", "ports": {"a": 1}},
            "probe": {"httpGet": {"port": 1}},
        },
    ),
    make(
        "networking.istio.io/v1beta1",
        "ProxyConfig",
        {
            "selector": {"matchLabels": {"a": "b"}},
            "concurrency": 1,
            "environmentVariables": {"A": "B"},
            "image": {"imageType": "distroless"},
        },
    ),
    make(
        "security.istio.io/v1", "AuthorizationPolicy", {**TARGETED, "action": "DENY", "rules": [POLICY_RULE], "provider": {"name": "opa"}}
    ),
    make(
        "security.istio.io/v1",
        "PeerAuthentication",
        {"selector": SELECTOR, "mtls": {"mode": "STRICT"}, "portLevelMtls": {"80": {"mode": "DISABLE"}}},
    ),
    make(
        "security.istio.io/v1",
        "RequestAuthentication",
        {**TARGETED, "jwtRules": [{"issuer": "i", "jwksUri": "u", "audiences": ["a"], "fromHeaders": [{"name": "h"}]}]},
    ),
    make(
        "telemetry.istio.io/v1",
        "Telemetry",
        {
            **TARGETED,
            "tracing": [{"providers": [{"name": "z"}], "randomSamplingPercentage": 1, "customTags": {"a": {}}}],
            "metrics": [
                {
                    "providers": [{"name": "p"}],
                    "overrides": [{"match": {"metric": "ALL_METRICS", "mode": "CLIENT"}, "tagOverrides": {"t": {"value": "v"}}}],
                }
            ],
            "accessLogging": [{"providers": [{"name": "envoy"}], "filter": {"expression": "true"}, "match": {"mode": "SERVER"}}],
        },
    ),
    make(
        "extensions.istio.io/v1alpha1",
        "WasmPlugin",
        {
            **TARGETED,
            "url": "oci://x",
            "phase": "AUTHN",
            "match": [{"mode": "CLIENT", "ports": [{"number": 1}]}],
            "pluginConfig": {"a": "b"},
            "type": "NETWORK",
        },
    ),
    make("extensions.istio.io/v1alpha1", "TrafficExtension", {**TARGETED, "wasm": {"url": "x"}, "lua": {"inlineCode": "y"}}),
    _gateway_api(
        "Gateway",
        {
            "gatewayClassName": "istio-waypoint",
            "listeners": [LISTENER],
            "addresses": [{"type": "Hostname", "value": "x"}],
            "infrastructure": {
                "labels": {"a": "b"},
                "annotations": {"a": "b"},
                "parametersRef": {"group": "", "kind": "ConfigMap", "name": "x"},
            },
            "allowedListeners": {"namespaces": {"from": "All"}},
        },
        name="waypoint",
    ),
    _gateway_api(
        "Gateway",
        {"gatewayClassName": "istio", "listeners": [{**LISTENER, "name": "http", "port": 80, "protocol": "HTTP"}]},
        name="ingress",
    ),
    _gateway_api("GatewayClass", {"controllerName": "istio.io/gateway-controller", "parametersRef": {"name": "x"}}, name="istio"),
    _gateway_api("HTTPRoute", {**PARENTS, "rules": [HTTP_RULE], "useDefaultGateways": "All"}),
    _gateway_api(
        "GRPCRoute",
        {
            **PARENTS,
            "rules": [
                {
                    "matches": [{"method": {"service": "s", "method": "m"}, "headers": [{"name": "a", "value": "b"}]}],
                    "filters": [FILTER],
                    "backendRefs": [REF],
                }
            ],
        },
    ),
    _gateway_api("TLSRoute", {**PARENTS, "rules": [{"backendRefs": [REF]}]}, "v1alpha2"),
    _gateway_api("TCPRoute", {"parentRefs": PARENTS["parentRefs"], "rules": [{"backendRefs": [REF]}]}, "v1alpha2"),
    _gateway_api("UDPRoute", {"parentRefs": PARENTS["parentRefs"], "rules": [{"backendRefs": [REF]}]}, "v1alpha2"),
    _gateway_api(
        "ReferenceGrant",
        {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}],
            "to": [{"group": "", "kind": "Service", "name": "reviews"}],
        },
        "v1beta1",
    ),
    _gateway_api(
        "BackendTLSPolicy",
        {**TARGETS, "validation": {"hostname": "x", "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "x"}]}},
    ),
    _gateway_api("ListenerSet", {"parentRef": {"name": "ingress"}, "listeners": [LISTENER]}, name="set"),
    *(
        make(
            "gateway.networking.x-k8s.io/v1alpha1",
            kind,
            {**TARGETS, "parentRef": {"name": "ingress"}, "listeners": [LISTENER], "retryConstraint": {"budget": {}}},
        )
        for kind in ("XListenerSet", "XBackendTrafficPolicy", "XBackend", "XMesh")
    ),
    *VENDORS,
]
