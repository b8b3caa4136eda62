"""The kinds meshlint knows by API group and name: the same name of another group is another kind."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

_APPS, _BATCH, _NET = "apps", "batch", "networking.istio.io"
_GW, _GWX = "gateway.networking.k8s.io", "gateway.networking.x-k8s.io"
_AUTHN, _RBAC, _MIXER = "authentication.istio.io", "rbac.istio.io", "config.istio.io"


class Kind(Enum):
    """A kind as (group, name); the core group is the empty string."""

    NAMESPACE = ("", "Namespace")
    POD = ("", "Pod")
    SERVICE = ("", "Service")
    SERVICE_ACCOUNT = ("", "ServiceAccount")
    CONFIG_MAP = ("", "ConfigMap")
    REPLICATION_CONTROLLER = ("", "ReplicationController")
    DEPLOYMENT = (_APPS, "Deployment")
    STATEFUL_SET = (_APPS, "StatefulSet")
    DAEMON_SET = (_APPS, "DaemonSet")
    REPLICA_SET = (_APPS, "ReplicaSet")
    JOB = (_BATCH, "Job")
    CRON_JOB = (_BATCH, "CronJob")
    HPA = ("autoscaling", "HorizontalPodAutoscaler")
    VPA = ("autoscaling.k8s.io", "VerticalPodAutoscaler")
    INGRESS = ("networking.k8s.io", "Ingress")
    INGRESS_CLASS = ("networking.k8s.io", "IngressClass")
    NETWORK_POLICY = ("networking.k8s.io", "NetworkPolicy")
    CILIUM_NETWORK_POLICY = ("cilium.io", "CiliumNetworkPolicy")
    CALICO_NETWORK_POLICY = ("projectcalico.org", "NetworkPolicy")
    CRD = ("apiextensions.k8s.io", "CustomResourceDefinition")

    VIRTUAL_SERVICE = (_NET, "VirtualService")
    DESTINATION_RULE = (_NET, "DestinationRule")
    GATEWAY = (_NET, "Gateway")
    SERVICE_ENTRY = (_NET, "ServiceEntry")
    SIDECAR = (_NET, "Sidecar")
    ENVOY_FILTER = (_NET, "EnvoyFilter")
    WORKLOAD_ENTRY = (_NET, "WorkloadEntry")
    WORKLOAD_GROUP = (_NET, "WorkloadGroup")
    PROXY_CONFIG = (_NET, "ProxyConfig")
    AUTHORIZATION_POLICY = ("security.istio.io", "AuthorizationPolicy")
    PEER_AUTHENTICATION = ("security.istio.io", "PeerAuthentication")
    REQUEST_AUTHENTICATION = ("security.istio.io", "RequestAuthentication")
    TELEMETRY = ("telemetry.istio.io", "Telemetry")
    WASM_PLUGIN = ("extensions.istio.io", "WasmPlugin")
    TRAFFIC_EXTENSION = ("extensions.istio.io", "TrafficExtension")

    OLD_POLICY = (_AUTHN, "Policy")
    OLD_MESH_POLICY = (_AUTHN, "MeshPolicy")
    OLD_SERVICE_ROLE = (_RBAC, "ServiceRole")
    OLD_SERVICE_ROLE_BINDING = (_RBAC, "ServiceRoleBinding")
    OLD_RBAC_CONFIG = (_RBAC, "RbacConfig")
    OLD_CLUSTER_RBAC_CONFIG = (_RBAC, "ClusterRbacConfig")
    OLD_AUTHORIZATION_POLICY = (_RBAC, "AuthorizationPolicy")
    OLD_MIXER_RULE = (_MIXER, "rule")
    OLD_MIXER_HANDLER = (_MIXER, "handler")
    OLD_MIXER_INSTANCE = (_MIXER, "instance")
    OLD_MIXER_ADAPTER = (_MIXER, "adapter")
    OLD_MIXER_TEMPLATE = (_MIXER, "template")
    OLD_MIXER_ATTRIBUTES = (_MIXER, "attributemanifest")
    OLD_QUOTA_SPEC = (_MIXER, "QuotaSpec")
    OLD_QUOTA_SPEC_BINDING = (_MIXER, "QuotaSpecBinding")
    OLD_HTTP_API_SPEC = (_MIXER, "HTTPAPISpec")
    OLD_HTTP_API_SPEC_BINDING = (_MIXER, "HTTPAPISpecBinding")
    OLD_ROUTE_RULE = (_MIXER, "RouteRule")
    OLD_DESTINATION_POLICY = (_MIXER, "DestinationPolicy")
    OLD_EGRESS_RULE = (_MIXER, "EgressRule")
    OLD_CONTROL_PLANE = ("install.istio.io", "IstioControlPlane")

    K8S_GATEWAY = (_GW, "Gateway")
    GATEWAY_CLASS = (_GW, "GatewayClass")
    HTTP_ROUTE = (_GW, "HTTPRoute")
    GRPC_ROUTE = (_GW, "GRPCRoute")
    TLS_ROUTE = (_GW, "TLSRoute")
    TCP_ROUTE = (_GW, "TCPRoute")
    UDP_ROUTE = (_GW, "UDPRoute")
    REFERENCE_GRANT = (_GW, "ReferenceGrant")
    BACKEND_TLS_POLICY = (_GW, "BackendTLSPolicy")
    LISTENER_SET = (_GW, "ListenerSet")
    X_LISTENER_SET = (_GWX, "XListenerSet")
    X_BACKEND_TRAFFIC_POLICY = (_GWX, "XBackendTrafficPolicy")
    X_BACKEND = (_GWX, "XBackend")
    X_MESH = (_GWX, "XMesh")

    ROLLOUT = ("argoproj.io", "Rollout")
    CANARY = ("flagger.app", "Canary")
    METRIC_TEMPLATE = ("flagger.app", "MetricTemplate")
    ANALYSIS_TEMPLATE = ("argoproj.io", "AnalysisTemplate")
    CLUSTER_ANALYSIS_TEMPLATE = ("argoproj.io", "ClusterAnalysisTemplate")
    SCALED_OBJECT = ("keda.sh", "ScaledObject")
    PROMETHEUS_RULE = ("monitoring.coreos.com", "PrometheusRule")
    POD_MONITOR = ("monitoring.coreos.com", "PodMonitor")
    SERVICE_MONITOR = ("monitoring.coreos.com", "ServiceMonitor")
    KNATIVE_SERVICE = ("serving.knative.dev", "Service")
    LINKERD_SERVER = ("policy.linkerd.io", "Server")
    LINKERD_SERVER_AUTHORIZATION = ("policy.linkerd.io", "ServerAuthorization")
    LINKERD_AUTHORIZATION_POLICY = ("policy.linkerd.io", "AuthorizationPolicy")
    LINKERD_HTTP_ROUTE = ("policy.linkerd.io", "HTTPRoute")
    LINKERD_SERVICE_PROFILE = ("linkerd.io", "ServiceProfile")

    ISTIO_OPERATOR = ("install.istio.io", "IstioOperator")
    ISTIO = ("sailoperator.io", "Istio")
    ISTIO_REVISION = ("sailoperator.io", "IstioRevision")
    ISTIO_REVISION_TAG = ("sailoperator.io", "IstioRevisionTag")
    ISTIO_CNI = ("sailoperator.io", "IstioCNI")
    ZTUNNEL = ("sailoperator.io", "ZTunnel")

    ARGO_APPLICATION = ("argoproj.io", "Application")
    ARGO_APPLICATION_SET = ("argoproj.io", "ApplicationSet")
    FLUX_KUSTOMIZATION = ("kustomize.toolkit.fluxcd.io", "Kustomization")
    HELM_RELEASE = ("helm.toolkit.fluxcd.io", "HelmRelease")
    HELM_REPOSITORY = ("source.toolkit.fluxcd.io", "HelmRepository")
    KUSTOMIZATION = ("kustomize.config.k8s.io", "Kustomization")
    KUSTOMIZE_COMPONENT = ("kustomize.config.k8s.io", "Component")

    def __init__(self, group: str, kind: str) -> None:
        self.group = group
        self.kind = kind

    __hash__ = object.__hash__  # members are single objects; Enum's own is a call in Python

    @property
    def cluster_scoped(self) -> bool:
        return self in _CLUSTER_SCOPED


_CLUSTER_SCOPED = frozenset({
    Kind.NAMESPACE, Kind.CRD, Kind.CLUSTER_ANALYSIS_TEMPLATE, Kind.GATEWAY_CLASS, Kind.INGRESS_CLASS,
    Kind.ISTIO_CNI, Kind.ZTUNNEL, Kind.X_MESH, Kind.ISTIO, Kind.ISTIO_REVISION, Kind.ISTIO_REVISION_TAG,
    Kind.OLD_MESH_POLICY, Kind.OLD_CLUSTER_RBAC_CONFIG,
})  # fmt: skip
_BY_NAME = {member.value: member for member in Kind}
_GROUP_ALIASES = {"extensions": {"Deployment": _APPS, "DaemonSet": _APPS, "ReplicaSet": _APPS, "Ingress": "networking.k8s.io"}}
_SAIL_ALIASES = {"operator.istio.io": "sailoperator.io", "crd.projectcalico.org": "projectcalico.org"}

WORKLOADS = (
    Kind.DEPLOYMENT, Kind.STATEFUL_SET, Kind.DAEMON_SET, Kind.REPLICA_SET, Kind.JOB, Kind.CRON_JOB,
    Kind.POD, Kind.REPLICATION_CONTROLLER, Kind.ROLLOUT, Kind.KNATIVE_SERVICE,
)  # fmt: skip
MESHED_BY = (
    Kind.VIRTUAL_SERVICE, Kind.SIDECAR, Kind.PEER_AUTHENTICATION, Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION,
)  # fmt: skip
ROUTES = (Kind.HTTP_ROUTE, Kind.GRPC_ROUTE, Kind.TLS_ROUTE, Kind.TCP_ROUTE, Kind.UDP_ROUTE)
AT_WAYPOINTS = (
    Kind.VIRTUAL_SERVICE, *ROUTES, Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION, Kind.TELEMETRY, Kind.WASM_PLUGIN,
    Kind.TRAFFIC_EXTENSION,
)  # fmt: skip
"""What is written for a waypoint to execute."""

# the kinds whose schemas the tables hold
ISTIO_KINDS = (
    Kind.VIRTUAL_SERVICE, Kind.DESTINATION_RULE, Kind.GATEWAY, Kind.SERVICE_ENTRY, Kind.SIDECAR, Kind.ENVOY_FILTER, Kind.WORKLOAD_ENTRY,
    Kind.WORKLOAD_GROUP, Kind.PROXY_CONFIG, Kind.AUTHORIZATION_POLICY, Kind.PEER_AUTHENTICATION, Kind.REQUEST_AUTHENTICATION,
    Kind.TELEMETRY, Kind.WASM_PLUGIN, Kind.TRAFFIC_EXTENSION,
)  # fmt: skip
GATEWAY_API_KINDS = (
    Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, *ROUTES, Kind.REFERENCE_GRANT, Kind.BACKEND_TLS_POLICY, Kind.LISTENER_SET, Kind.X_LISTENER_SET,
    Kind.X_BACKEND_TRAFFIC_POLICY, Kind.X_BACKEND, Kind.X_MESH,
)  # fmt: skip
LINKERD_KINDS = tuple(kind for kind in Kind if kind.group.endswith("linkerd.io"))
RETIRED_KINDS = tuple(kind for kind in Kind if kind.name.startswith("OLD_"))
"""Kinds of Istio that no release of the tables serves."""


@lru_cache(4096)
def kind_of(api_version: str, name: str) -> Kind | None:
    """The kind of an object, whatever version of its group it is written in; None: not one of ours."""
    group = api_version.rpartition("/")[0]
    group = _GROUP_ALIASES.get(group, {}).get(name, _SAIL_ALIASES.get(group, group))
    return _BY_NAME.get((group, name))
