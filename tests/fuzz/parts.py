"""Parts of objects with all their fields: pods, routes, policies, meshConfig."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

LABELS = {"app": "reviews", "istio.io/use-waypoint": "waypoint", "istio.io/dataplane-mode": "ambient", "sidecar.istio.io/inject": "true"}
REF = {"group": "", "kind": "Service", "name": "reviews", "namespace": "shop", "port": 9080, "weight": 1}
FILTER = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "a", "value": "b"}], "add": [], "remove": ["c"]}}
FILTERS = [
    FILTER,
    {"type": "RequestMirror", "requestMirror": {"backendRef": REF, "percent": 5}},
    {"type": "RequestRedirect", "requestRedirect": {"hostname": "x.example", "statusCode": 302, "path": {"type": "ReplaceFullPath"}}},
    {"type": "URLRewrite", "urlRewrite": {"hostname": "x.example", "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}},
    {"type": "ExtensionRef", "extensionRef": {"group": "", "kind": "ConfigMap", "name": "x"}},
    {"type": "CORS", "cors": {"allowOrigins": ["*"]}},
]
DESTINATION = {"host": "reviews", "subset": "v1", "port": {"number": 9080}}
POLICY = {
    "loadBalancer": {"simple": "ROUND_ROBIN", "consistentHash": {"httpHeaderName": "x"}, "localityLbSetting": {"enabled": True}},
    "connectionPool": {"tcp": {"maxConnections": 1, "connectTimeout": "1s"}, "http": {"http1MaxPendingRequests": 1}},
    "outlierDetection": {"consecutive5xxErrors": 5, "interval": "5s"},
    "tls": {"mode": "ISTIO_MUTUAL", "sni": "x", "subjectAltNames": ["a"], "credentialName": "c"},
    "portLevelSettings": [{"port": {"number": 80}, "tls": {"mode": "SIMPLE"}}],
    "tunnel": {"protocol": "CONNECT", "targetHost": "a", "targetPort": 1},
    "proxyProtocol": {"version": "V2"},
}
POD = {
    "metadata": {
        "labels": {**LABELS, "version": "v1"},
        "annotations": {
            "sidecar.istio.io/proxyCPU": "1",
            "traffic.sidecar.istio.io/excludeOutboundPorts": "80",
            "ambient.istio.io/redirection": "enabled",
        },
    },
    "spec": {
        "serviceAccountName": "reviews",
        "hostNetwork": False,
        "securityContext": {"runAsUser": 1337, "sysctls": [{"name": "a", "value": "b"}]},
        "initContainers": [
            {"name": "istio-init", "image": "istio/proxyv2:1.28.0", "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}
        ],
        "containers": [
            {
                "name": "istio-proxy",
                "image": "istio/proxyv2:1.28.0",
                "args": ["--x"],
                "command": ["curl", "localhost:15020/quitquitquit"],
                "env": [{"name": "A", "value": "B"}, {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
                "ports": [{"containerPort": 9080, "name": "http", "protocol": "TCP"}],
                "livenessProbe": {"httpGet": {"path": "/", "port": 9080}},
                "readinessProbe": {"exec": {"command": ["curl", "localhost:15021"]}},
                "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "curl -X POST localhost:15020/quitquitquit"]}}},
            }
        ],
        "volumes": [{"name": "a", "hostPath": {"path": "/"}}],
    },
}
SELECTOR = {"matchLabels": {"app": "reviews"}, "matchExpressions": [{"key": "app", "operator": "In", "values": ["reviews"]}]}
TEMPLATE = {"replicas": 1, "selector": SELECTOR, "template": POD}
TARGETS = {
    "targetRefs": [
        {"group": "", "kind": "Service", "name": "reviews"},
        {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"},
    ]
}
TARGETED = {**TARGETS, "targetRef": TARGETS["targetRefs"][0], "selector": {"matchLabels": {"app": "reviews"}}}
PARENTS = {
    "parentRefs": [
        {"group": "", "kind": "Service", "name": "reviews", "port": 9080},
        {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint", "namespace": "shop", "sectionName": "mesh"},
        {"group": "gateway.networking.k8s.io", "kind": "ListenerSet", "name": "set"},
        {"group": "networking.istio.io", "kind": "ServiceEntry", "name": "bank"},
    ],
    "hostnames": ["reviews.example.com", "*.example.com"],
}
MATCH = {
    "uri": {"prefix": "/a"},
    "headers": {"x": {"exact": "y"}},
    "withoutHeaders": {"z": {"regex": ".*"}},
    "queryParams": {"q": {"exact": "1"}},
    "method": {"exact": "GET"},
    "authority": {"exact": "x"},
    "scheme": {"exact": "http"},
    "port": 80,
    "sourceLabels": {"app": "x"},
    "sourceNamespace": "shop",
    "gateways": ["mesh", "shop/gw"],
    "ignoreUriCase": True,
    "name": "m",
    "statPrefix": "s",
}
MESH_CONFIG = {
    "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
    "rootNamespace": "istio-system",
    "trustDomain": "cluster.local",
    "enableAutoMtls": False,
    "pathNormalization": {"normalization": "BASE"},
    "localityLbSetting": {"enabled": True},
    "extensionProviders": [{"name": "opa", "envoyExtAuthzGrpc": {"service": "opa.opa.svc.cluster.local", "port": 9191}}],
    "defaultConfig": {
        "proxyMetadata": {"ISTIO_META_ENABLE_HBONE": "true"},
        "holdApplicationUntilProxyStarts": True,
        "tracing": {"sampling": 1},
    },
    "discoverySelectors": [{"matchLabels": {"a": "b"}}],
    "defaultProviders": {"accessLogging": ["envoy"]},
    "accessLogFile": "/dev/stdout",
}
VALUES = {
    "global": {"proxy": {"image": "x"}, "hub": "h", "tag": "1.28.0", "network": "n"},
    "pilot": {"env": {"PILOT_ENABLE_AMBIENT": "true"}},
    "profile": "ambient",
    "meshConfig": MESH_CONFIG,
}
CHART = {"repository": "https://istio-release.storage.googleapis.com/charts", "chart": "istiod", "version": "1.28.0"}

ROUTE = {
    "name": "r",
    "match": [MATCH],
    "route": [
        {"destination": DESTINATION, "weight": 90, "headers": {"request": {"set": {"a": "b"}}}},
        {"destination": {"host": "bank.example"}, "weight": 10},
    ],
    "fault": {"delay": {"fixedDelay": "3s", "percentage": {"value": 1}}, "abort": {"httpStatus": 500}},
    "timeout": "2s",
    "retries": {"attempts": 3, "perTryTimeout": "500ms", "retryOn": "5xx,reset"},
    "mirror": DESTINATION,
    "mirrorPercentage": {"value": 1},
    "mirrors": [{"destination": DESTINATION}],
    "corsPolicy": {"allowOrigins": [{"exact": "*"}]},
    "rewrite": {"uri": "/b", "authority": "c"},
    "redirect": {"uri": "/", "redirectCode": 302},
    "directResponse": {"status": 404},
    "delegate": {"name": "x", "namespace": "shop"},
    "headers": {"request": {"set": {"a": "b"}, "remove": ["c"]}, "response": {"add": {"d": "e"}}},
}
L4 = {
    "match": [
        {"gateways": ["mesh"], "port": 443, "sniHosts": ["bank.example"], "destinationSubnets": ["10.0.0.0/8"], "sourceLabels": {"a": "b"}}
    ],
    "route": [{"destination": DESTINATION, "weight": 1}],
}
LISTENER = {
    "name": "mesh",
    "port": 15008,
    "protocol": "HBONE",
    "hostname": "*.example.com",
    "tls": {"mode": "Terminate", "certificateRefs": [{"name": "c"}]},
    "allowedRoutes": {"namespaces": {"from": "Selector", "selector": SELECTOR}, "kinds": [{"group": "", "kind": "HTTPRoute"}]},
}
HTTP_MATCH = {
    "path": {"type": "PathPrefix", "value": "/"},
    "headers": [{"name": "a", "value": "b", "type": "Exact"}],
    "queryParams": [{"name": "a", "value": "b"}],
    "method": "GET",
}
HTTP_RULE = {
    "name": "r",
    "matches": [HTTP_MATCH],
    "filters": FILTERS,
    "backendRefs": [{**REF, "filters": [FILTER]}, {"kind": "ServiceImport", "name": "x"}],
    "timeouts": {"request": "1s", "backendRequest": "1s"},
    "retry": {"attempts": 1, "codes": [500], "backoff": "1s"},
    "sessionPersistence": {"sessionName": "s", "type": "Cookie"},
}
WHEN = {"key": "request.headers[x]", "values": ["a"], "notValues": ["b"]}
POLICY_RULE = {
    "from": [
        {
            "source": {
                "principals": ["cluster.local/ns/shop/sa/x"],
                "namespaces": ["shop"],
                "ipBlocks": ["10.0.0.0/8"],
                "remoteIpBlocks": ["1.1.1.1"],
                "requestPrincipals": ["*"],
                "notPrincipals": ["*"],
                "serviceAccounts": ["x"],
            }
        }
    ],
    "to": [{"operation": {"hosts": ["x"], "methods": ["GET"], "paths": ["/a*"], "ports": ["80"], "notPaths": ["/b"]}}],
    "when": [WHEN],
}
ENVOY_PATCH = {
    "applyTo": "HTTP_FILTER",
    "match": {
        "context": "SIDECAR_INBOUND",
        "proxy": {"proxyVersion": ".*"},
        "listener": {"portNumber": 80, "filterChain": {"filter": {"name": "x"}}},
        "routeConfiguration": {"vhost": {"name": "v"}},
        "cluster": {"service": "s"},
    },
    "patch": {
        "operation": "INSERT_BEFORE",
        "value": {"name": "envoy.filters.http.lua", "typed_config": {"@type": "type.googleapis.com/x", "inlineCode": "y"}},
    },
}
INGRESS_PATH = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "reviews", "port": {"number": 80}}}}
PEER = [{"namespaceSelector": SELECTOR, "podSelector": SELECTOR, "ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]


def make(api_version: str, kind: str, spec: Any = None, name: str = "", **rest: Any) -> Json:
    metadata = {"name": name or kind.lower(), "namespace": "shop", "labels": dict(LABELS), "annotations": {"a": "b"}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **({} if spec is None else {"spec": spec}), **rest}
