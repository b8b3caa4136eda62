"""Objects of what surrounds a mesh: installers, delivery, scaling, monitoring, and files that build."""

from __future__ import annotations

from meshlint.model.kind import LINKERD_KINDS, RETIRED_KINDS
from tests.fuzz.parts import (
    CHART,
    MATCH,
    MESH_CONFIG,
    POD,
    SELECTOR,
    TEMPLATE,
    VALUES,
    Json,
    make,
)

QUERY = 'sum(rate(istio_requests_total{reporter="destination",destination_workload="reviews",response_code!~"5.*"}[5m]))'
METRIC = {"name": "m", "provider": {"prometheus": {"address": "http://p:9090", "query": QUERY}}, "successCondition": "x", "interval": "1m"}

VENDORS: list[Json] = [
    make(
        "argoproj.io/v1alpha1",
        "Rollout",
        {
            **TEMPLATE,
            "strategy": {
                "canary": {
                    "canaryService": "c",
                    "stableService": "s",
                    "steps": [{"setWeight": 5}],
                    "trafficRouting": {
                        "istio": {
                            "virtualService": {"name": "virtualservice", "routes": ["r"]},
                            "virtualServices": [{"name": "x"}],
                            "destinationRule": {"name": "destinationrule", "canarySubsetName": "v1", "stableSubsetName": "v2"},
                        }
                    },
                }
            },
        },
    ),
    make(
        "flagger.app/v1beta1",
        "Canary",
        {
            "provider": "istio",
            "targetRef": {"kind": "Deployment", "name": "deployment"},
            "service": {"name": "reviews", "port": 80, "gateways": ["mesh"], "hosts": ["x"], "match": [MATCH]},
        },
    ),
    make("serving.knative.dev/v1", "Service", {"template": POD}),
    make(
        "install.istio.io/v1alpha1",
        "IstioOperator",
        {
            "profile": "ambient",
            "tag": "1.28.5",
            "hub": "h",
            "revision": "r",
            "meshConfig": MESH_CONFIG,
            "values": VALUES,
            "components": {
                "pilot": {"enabled": True, "k8s": {"env": [{"name": "A", "value": "B"}]}},
                "ingressGateways": [{"name": "g", "enabled": True, "label": {"a": "b"}}],
                "egressGateways": [{"name": "e", "enabled": True}],
                "ztunnel": {"enabled": True},
                "cni": {"enabled": True},
            },
        },
    ),
    *(
        make(
            "sailoperator.io/v1",
            kind,
            {
                "version": "v1.28.0",
                "namespace": "istio-system",
                "profile": "ambient",
                "values": VALUES,
                "updateStrategy": {"type": "InPlace"},
            },
        )
        for kind in ("Istio", "IstioRevision", "IstioCNI", "ZTunnel")
    ),
    make("sailoperator.io/v1", "IstioRevisionTag", {"targetRef": {"kind": "Istio", "name": "istio"}}),
    *(make(f"{kind.group}/v1alpha1", kind.kind, {"rules": [{}]}) for kind in RETIRED_KINDS),
    *(make(f"{kind.group}/v1beta1", kind.kind, {"podSelector": {}}) for kind in LINKERD_KINDS),
    make(
        "argoproj.io/v1alpha1",
        "Application",
        {
            "destination": {"namespace": "shop", "server": "s"},
            "project": "p",
            "source": {
                "path": "apps",
                "repoURL": "r",
                "chart": "istiod",
                "targetRevision": "1.28.0",
                "directory": {"recurse": True, "include": "*.yaml"},
                "helm": {
                    "values": "profile: ambient\n",
                    "valuesObject": VALUES,
                    "parameters": [{"name": "a", "value": "b"}],
                    "valueFiles": ["v.yaml"],
                },
                "kustomize": {"namePrefix": "x", "images": ["a=b"]},
            },
            "sources": [{"path": "apps", "repoURL": "r"}, {"chart": "gateway", "targetRevision": "1.28.0"}],
        },
    ),
    make(
        "argoproj.io/v1alpha1",
        "ApplicationSet",
        {
            "generators": [{"list": {"elements": [{"name": "a", "path": "apps"}]}}, {"git": {"directories": [{"path": "*"}]}}],
            "template": {
                "metadata": {"name": "{{name}}"},
                "spec": {"source": {"path": "{{path}}", "repoURL": "r"}, "destination": {"namespace": "{{name}}"}},
            },
        },
    ),
    make(
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        {
            "path": "./apps",
            "targetNamespace": "shop",
            "sourceRef": {"kind": "GitRepository", "name": "r"},
            "patches": [{"patch": "a: b", "target": {"kind": "Service"}}],
            "postBuild": {"substitute": {"a": "b"}},
        },
    ),
    make(
        "helm.toolkit.fluxcd.io/v2",
        "HelmRelease",
        {
            "chart": {"spec": {**CHART, "sourceRef": {"kind": "HelmRepository", "name": "istio"}}},
            "values": VALUES,
            "targetNamespace": "shop",
            "valuesFrom": [{"kind": "ConfigMap", "name": "x"}],
        },
    ),
    make("source.toolkit.fluxcd.io/v1", "HelmRepository", {"url": CHART["repository"]}, "istio"),
    make(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "deployment"},
            "metrics": [
                {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "istio-proxy"}},
                {"type": "External", "external": {"metric": {"name": "istio_requests_total", "selector": SELECTOR}}},
                {"type": "Pods", "pods": {"metric": {"name": "envoy_x"}}},
            ],
        },
    ),
    make(
        "autoscaling.k8s.io/v1",
        "VerticalPodAutoscaler",
        {
            "targetRef": {"kind": "Deployment", "name": "deployment"},
            "resourcePolicy": {"containerPolicies": [{"containerName": "istio-proxy", "mode": "Off"}]},
        },
    ),
    make("flagger.app/v1beta1", "MetricTemplate", {"provider": {"type": "prometheus", "address": "http://p:9090"}, "query": QUERY}),
    *(
        make("argoproj.io/v1alpha1", kind, {"args": [{"name": "a", "value": "b"}], "metrics": [METRIC]})
        for kind in ("AnalysisTemplate", "ClusterAnalysisTemplate")
    ),
    make(
        "keda.sh/v1alpha1",
        "ScaledObject",
        {
            "scaleTargetRef": {"name": "deployment"},
            "triggers": [{"type": "prometheus", "metadata": {"serverAddress": "http://p:9090", "query": QUERY, "threshold": "1"}}],
        },
    ),
    make(
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        {"groups": [{"name": "g", "rules": [{"alert": "a", "expr": QUERY, "labels": {"a": "b"}}, {"record": "r", "expr": QUERY}]}]},
    ),
    *(
        make(
            "monitoring.coreos.com/v1",
            kind,
            {
                "selector": SELECTOR,
                "namespaceSelector": {"any": True, "matchNames": ["shop"]},
                endpoints: [{"port": "http-envoy-prom", "path": "/stats/prometheus", "relabelings": [{"sourceLabels": ["x"]}]}],
            },
        )
        for kind, endpoints in (("PodMonitor", "podMetricsEndpoints"), ("ServiceMonitor", "endpoints"))
    ),
]

KUSTOMIZATION: Json = {
    "apiVersion": "kustomize.config.k8s.io/v1beta1",
    "kind": "Kustomization",
    "namespace": "shop",
    "namePrefix": "a-",
    "nameSuffix": "-b",
    "resources": ["mesh.yaml", "apps", "https://example.com/x?ref=v1"],
    "bases": ["apps"],
    "components": ["part"],
    "commonLabels": {"a": "b"},
    "labels": [{"pairs": {"c": "d"}, "includeSelectors": True}],
    "commonAnnotations": {"a": "b"},
    "patches": [
        {"path": "patch.yaml", "target": {"kind": "Service", "name": ".*", "labelSelector": "a=b"}},
        {"patch": "- {op: replace, path: /metadata/name, value: x}", "target": {"kind": "Service", "name": "reviews"}},
    ],
    "patchesStrategicMerge": ["patch.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: reviews}\n"],
    "patchesJson6902": [{"path": "patch.yaml", "target": {"version": "v1", "kind": "Service", "name": "reviews"}}],
    "images": [{"name": "istio/proxyv2", "newTag": "1.28.0"}],
    "replicas": [{"name": "x", "count": 1}],
    "helmCharts": [{"name": "istiod", "repo": CHART["repository"], "version": "1.28.0", "valuesInline": VALUES, "valuesFile": "v.yaml"}],
    "configMapGenerator": [{"name": "x", "literals": ["a=b"], "files": ["f"]}],
    "generators": ["x"],
    "transformers": ["y"],
    "crds": ["z"],
}
HELM_CHART: Json = {
    "apiVersion": "v2",
    "name": "c",
    "version": "1.0.0",
    "dependencies": [{"name": "istiod", "version": "1.28.0", "repository": CHART["repository"]}],
}
