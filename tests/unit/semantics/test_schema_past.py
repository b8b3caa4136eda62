"""Older releases rebuilt from the newest index: checked by hand, and against whole CRDs where there are some.

MESHLINT_CRDS names a folder with the CRDs of releases, one file each: istio-1.24.yaml, gateway-api-1.3-standard.yaml.
"""

import os
from pathlib import Path

import pytest
import yaml

from meshlint.model.kind import Kind, kind_of
from meshlint.model.target import resolve_target
from meshlint.semantics.schema_past import past_of
from meshlint.semantics.schema_shape import shape_of

CRDS = sorted(Path(os.environ["MESHLINT_CRDS"]).glob("*.yaml")) if "MESHLINT_CRDS" in os.environ else []
HEAD = ("apiVersion", "kind", "metadata", "status")


def at(path, kind, version, target):
    """The field at a path such as spec.rules[].retry; None where the release does not have it."""
    shape = shape_of(kind, version, resolve_target(target))
    for step in path.replace("[]", ".[]").replace("{}", ".{}").split("."):
        if shape is None:
            return None
        shape = shape.items if step == "[]" else shape.values if step == "{}" else shape.prop(step)
    return shape


@pytest.mark.parametrize(
    ("path", "release", "there"),
    [
        ("spec.http[].retries.backoff", "1.25", False),
        ("spec.http[].retries.backoff", "1.26", True),
        ("spec.http[].corsPolicy.unmatchedPreflights", "1.22", False),
        ("spec.http[].corsPolicy.unmatchedPreflights", "1.23", True),
        ("spec.http[].redirect.prefixRewrite", "1.30", False),
        ("spec.http[].redirect.prefixRewrite", "1.31", True),
        ("spec.http[].mirror_percent", "1.20", True),
    ],
)
def test_fields_of_virtualservice(path, release, there):
    version = "v1beta1"
    assert (at(path, Kind.VIRTUAL_SERVICE, version, f"istio={release}") is not None) is there


def test_limits_of_telemetry_came_with_1_21():
    path = "spec.tracing[].randomSamplingPercentage"
    assert at(path, Kind.TELEMETRY, "v1alpha1", "istio=1.20").limits == {}
    assert at(path, Kind.TELEMETRY, "v1alpha1", "istio=1.21").limits == {"max": 100, "min": 0}
    assert at(path, Kind.TELEMETRY, "v1alpha1", "istio=1.22").limits == {"max": 100, "min": 0, "fmt": "double"}


def test_values_of_service_entry_resolution():
    before, after = (at("spec.resolution", Kind.SERVICE_ENTRY, "v1", f"istio={release}") for release in ("1.27", "1.28"))
    assert sorted(before.limits["enum"]) == ["DNS", "DNS_ROUND_ROBIN", "NONE", "STATIC"]
    assert "DYNAMIC_DNS" in after.limits["enum"]
    assert before.later_value("DYNAMIC_DNS") == "exists from Istio 1.28 on"


def test_versions_that_are_not_served_have_no_schema():
    assert shape_of(Kind.VIRTUAL_SERVICE, "v1", resolve_target("istio=1.21")) is None
    assert shape_of(Kind.ENVOY_FILTER, "v1", resolve_target("istio=1.30")) is None
    assert shape_of(Kind.TRAFFIC_EXTENSION, "v1alpha1", resolve_target("istio=1.29")) is None
    assert shape_of(Kind.TLS_ROUTE, "v1", resolve_target("gateway-api=1.4,channel=experimental")) is None


@pytest.mark.parametrize(
    ("target", "rule_fields"),
    [
        ("1.0,channel=standard", "backendRefs filters matches"),
        ("1.0,channel=experimental", "backendRefs filters matches timeouts"),
        ("1.2,channel=standard", "backendRefs filters matches timeouts"),
        ("1.2,channel=experimental", "backendRefs filters matches name retry sessionPersistence timeouts"),
        ("1.4,channel=standard", "backendRefs filters matches name timeouts"),
        ("1.6,channel=standard", "backendRefs filters matches name timeouts"),
    ],
)
def test_fields_of_an_httproute_rule(target, rule_fields):
    rule = at("spec.rules[]", Kind.HTTP_ROUTE, "v1", f"gateway-api={target}")
    assert sorted(rule.known) == rule_fields.split()


def test_limits_of_httproute():
    def limits(path, release, channel="standard"):
        return at(path, Kind.HTTP_ROUTE, "v1", f"gateway-api={release},channel={channel}").limits

    assert limits("spec.rules[].matches", "1.1")["maxI"] == 8
    assert limits("spec.rules[].matches", "1.2")["maxI"] == 64
    assert "maxMatches" not in limits("spec.rules", "1.1") and limits("spec.rules", "1.2")["maxMatches"] == 128
    assert "uniq" not in limits("spec.rules", "1.6") and limits("spec.rules", "1.6", "experimental")["uniq"] == ["name"]
    assert limits("spec.rules[].filters[].requestRedirect.statusCode", "1.4")["enum"] == [301, 302]
    assert "ExternalAuth" in limits("spec.rules[].filters[].type", "1.4", "experimental")["enum"]
    assert "CORS" in limits("spec.rules[].filters[].type", "1.5")["enum"]
    assert "CORS" not in limits("spec.rules[].filters[].type", "1.4")["enum"]


def test_what_went_is_known_by_name_where_it_was():
    path = "spec.listeners[].tls.frontendValidation"
    assert at(path, Kind.K8S_GATEWAY, "v1", "gateway-api=1.3,channel=experimental").open
    assert at(path, Kind.K8S_GATEWAY, "v1", "gateway-api=1.3,channel=standard") is None
    assert at(path, Kind.K8S_GATEWAY, "v1", "gateway-api=1.4,channel=experimental") is None


def test_versions_and_kinds_that_went_share_the_index_of_what_followed():
    old = at("spec.listeners[]", Kind.X_LISTENER_SET, "v1alpha1", "gateway-api=1.3,channel=experimental")
    new = at("spec.listeners[]", Kind.X_LISTENER_SET, "v1alpha1", "gateway-api=1.4,channel=experimental")
    assert sorted(old.required) == ["name", "port", "protocol"] and sorted(new.required) == ["name", "protocol"]
    policy = at("spec", Kind.BACKEND_TLS_POLICY, "v1alpha2", "gateway-api=1.0,channel=experimental")
    assert sorted(policy.known) == ["targetRef", "tls"] == sorted(policy.required)
    assert at("spec.rules[].matches[].method", Kind.GRPC_ROUTE, "v1alpha2", "gateway-api=1.0,channel=experimental") is not None


# whole CRDs

KEYS = {
    "enum": "enum", "pattern": "pat", "format": "fmt", "minimum": "min", "maximum": "max", "minLength": "minL", "maxLength": "maxL",
    "minItems": "minI", "maxItems": "maxI", "minProperties": "minP", "maxProperties": "maxP", "required": "req", "default": "def",
    "x-kubernetes-list-map-keys": "lk",
}  # fmt: skip


def of_crd(node, path, out):
    kind = "int-or-string" if node.get("x-kubernetes-int-or-string") else node.get("type", "any")
    limits = {short: _sorted(node[key]) for key, short in KEYS.items() if key in node and node[key] != []}
    out[path] = {"t": kind, **limits, **({"nul": 1} if node.get("nullable") else {})}
    for name, below in node.get("properties", {}).items():
        if path or name not in HEAD:
            of_crd(below, f"{path}.{name}" if path else name, out)
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(node.get(key), dict):
            of_crd(node[key], path + mark, out)


def of_past(past, raw, path, out):
    node = past.node(raw, path)
    out[path] = {key: _sorted(value) for key, value in node.items() if (key in KEYS.values() or key in ("t", "nul")) and value != []}
    for name, below in {**node.get("p", {}), **past.extra.get(path, {})}.items():
        full = f"{path}.{name}" if path else name
        if (path or name not in HEAD) and past.missing(full, below) is None:
            of_past(past, below, full, out)
    for key, mark in (("i", "[]"), ("ap", "{}")):
        if isinstance(node.get(key), dict):
            of_past(past, node[key], path + mark, out)


def _sorted(value):
    return sorted(value, key=str) if isinstance(value, list) and not any(isinstance(one, dict) for one in value) else value


def _from_cel(path, key, written):
    """Limits that a CEL rule makes narrower, as the index has it: ports, targets without a namespace."""
    narrowed = path.endswith(("ort", "umber", "ports{}", "namespace", "scheme"))
    return narrowed and key in ("min", "max", "maxL", "enum") and written in (None, 0, 4294967295)


@pytest.mark.skipif(not CRDS, reason="MESHLINT_CRDS does not name a folder of CRDs")
@pytest.mark.parametrize("file", CRDS, ids=lambda path: path.stem)
def test_rebuilt_is_what_the_release_had(file):
    rest = file.stem.removeprefix("istio-").removeprefix("gateway-api-")
    release, _, channel = rest.partition("-")
    target = resolve_target(f"istio={release}" if file.stem.startswith("istio-") else f"gateway-api={release},channel={channel}")
    for crd in yaml.load_all(file.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if crd is None or crd["kind"] != "CustomResourceDefinition":
            continue
        kind = kind_of(f"{crd['spec']['group']}/v1", crd["spec"]["names"]["kind"])
        if kind is None:
            continue
        for version in crd["spec"]["versions"]:
            if version["served"]:
                past = past_of(kind, version["name"], target)
                assert past is not None, (kind, version["name"])
                there, rebuilt = {}, {}
                of_crd(version["schema"]["openAPIV3Schema"], "", there)
                of_past(past, past.root, "", rebuilt)
                unknown = [path for path, node in rebuilt.items() if node["t"] == "any"]
                there = {path: node for path, node in there.items() if not path.startswith(tuple(unknown) or ("\0",))}
                rebuilt = {path: node for path, node in rebuilt.items() if path not in unknown}
                assert sorted(there) == sorted(rebuilt), (kind, version["name"])
                for path, node in there.items():
                    for key in {*node, *rebuilt[path]}:
                        same = node.get(key) == rebuilt[path].get(key) or _from_cel(path, key, node.get(key))
                        assert same, (kind, version["name"], path, key, node.get(key), rebuilt[path].get(key))
