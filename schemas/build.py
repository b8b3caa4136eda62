"""Make the compact tables under schemas/ from a folder of fact tables: python schemas/build.py FACTS [OUT].

FACTS holds gateway-api.json, gateway-api-fields.json, istio.json, compat.json and labels.json (read from the upstream
tags that SOURCES.toml names). The same tables give the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Table = dict[str, Any]

# In istiod's list of watched kinds, but no code of any release turns it into configuration (UDP listeners are refused).
NOT_CONVERTED = ["UDPRoute"]
# Fields of Gateway API that the code of no known Istio release looks at: accepted and without effect.
NEVER_READ = [
    "Gateway.spec.backendTLS", "Gateway.spec.defaultScope", "HTTPRoute.spec.rules[].sessionPersistence",
    "HTTPRoute.spec.useDefaultGateways",
]  # fmt: skip
# Gateway API versions that the newest release does not have: the kind and version whose index they share.
FORMER_VERSIONS = {
    "BackendTLSPolicy": {"v1alpha2": ["BackendTLSPolicy", "v1alpha3"]},
    "GRPCRoute": {"v1alpha2": ["GRPCRoute", "v1"]},
    "ReferenceGrant": {"v1alpha2": ["ReferenceGrant", "v1beta1"]},
    "XListenerSet": {"v1alpha1": ["ListenerSet", "v1"]},
}
# Changes of limits, as [before, after], beside those of the fact tables: found by comparing what meshlint rebuilds of every
# release, channel and version with the CRDs of its tag.
MORE_CONSTRAINTS: Table = {
    "1.1": {"BackendTLSPolicy": {"experimental": {"v1alpha2": {"spec": {"req": [["targetRef", "tls"], ["targetRefs", "validation"]]}}}}},
    "1.4": {"XListenerSet": {"experimental": {"v1alpha1": {"spec.listeners[].port": {"def": [None, 0]}}}}},
    "1.5": {
        "XListenerSet": {
            "experimental": {
                "v1alpha1": {
                    "spec.listeners[]": {"req": [["name", "protocol"], ["name", "port", "protocol"]]},
                    "spec.listeners[].port": {"def": [0, None], "min": [0, 1]},
                }
            }
        }
    },
    "1.6": {
        "HTTPRoute": {"experimental": {"v1": {"spec.rules[].retry.codes": {"lt": [None, "set"]}}}},
        "TLSRoute": {"experimental": {version: {"spec.hostnames": {"maxI": [16, 1024]}} for version in ("v1alpha2", "v1alpha3")}},
    },
}
# Kinds of Istio that went before the releases of the tables: by group, the last release whose control plane read them (the CRD of some
# stayed for one more), and what took their place. From the CRDs and the control plane of the last patch of 0.7 to 1.8.
_EXTENSIONS = ["Telemetry", "AuthorizationPolicy", "WasmPlugin", "EnvoyFilter"]
_LIMITS, _NOTHING = ["EnvoyFilter"], []
RETIRED: dict[str, list[tuple[str, str, list[str]]]] = {
    "authentication.istio.io": [
        ("Policy", "1.5", ["PeerAuthentication", "RequestAuthentication"]),
        ("MeshPolicy", "1.5", ["PeerAuthentication"]),
    ],
    "rbac.istio.io": [
        *((kind, "1.5", ["AuthorizationPolicy"]) for kind in ("ServiceRole", "ServiceRoleBinding", "RbacConfig", "ClusterRbacConfig")),
        ("AuthorizationPolicy", "1.3", ["AuthorizationPolicy"]),
    ],
    "config.istio.io": [
        *((kind, "1.7", _EXTENSIONS) for kind in ("rule", "handler", "instance", "adapter", "template")),
        ("attributemanifest", "1.7", _NOTHING),
        *((kind, "1.7", _LIMITS) for kind in ("QuotaSpec", "QuotaSpecBinding")),
        *((kind, "1.7", _NOTHING) for kind in ("HTTPAPISpec", "HTTPAPISpecBinding")),
        ("RouteRule", "0.8", ["VirtualService"]),
        ("DestinationPolicy", "0.8", ["DestinationRule"]),
        ("EgressRule", "0.8", ["ServiceEntry"]),
    ],
    "install.istio.io": [("IstioControlPlane", "1.4", ["IstioOperator"])],
}
COMPAT_KEYS = (
    "alphaGatedKinds", "alphaGatedListenerProtocols", "code", "crdBoundsByPatch", "crdMax", "crdMin", "date", "gatewayApiByPatch",
    "gatewayApiMinor", "gatewayClasses", "minKubernetes", "prerelease", "tag",
)  # fmt: skip


def gateway_api(table: Table) -> Table:
    """What each release and channel serves, and since when each kind, version, field and enum value is there."""
    releases = {}
    for minor, release in table["releases"].items():
        kinds = {
            name: {ch: _drop(entry, "storage") for ch, entry in kind["channels"].items()} for name, kind in release["kinds"].items()
        }
        releases[minor] = {"tag": release["tag"], "bundle": release["bundleVersion"], "date": release["date"], "kinds": kinds}
    shapes = {name: kind for release in table["releases"].values() for name, kind in release["kinds"].items()}
    kinds = {
        name: {**{key: shapes[name][key] for key in ("plural", "scope") if name in shapes}, **_open_enums(spans)}
        for name, spans in table["history"].items()
    }
    return {"newest": table["newest"], "releases": releases, "kinds": kinds, "renames": table["renames"]}


def _open_enums(history: Table) -> Table:
    """Without the values that left their list in every channel: a list that went restricts nothing."""
    kept = {
        path: {value: spans for value, spans in values.items() if any(span[-1][1] is None for span in spans.values())}
        for path, values in history.get("enums", {}).items()
    }
    return {**_drop(history, "enums"), "enums": {path: values for path, values in kept.items() if values}}


def istio(table: Table) -> Table:
    """What each Istio release (the preview too) serves of its own kinds, and which fields came, went or changed their values."""
    preview = table["preview"]
    all_releases = {**table["releases"], preview["release"]: {**preview, "prerelease": True}}
    releases: Table = {}
    kinds: Table = {}
    for minor, release in all_releases.items():
        served = {name: kind["served"] for name, kind in release["kinds"].items()}
        releases[minor] = {"kinds": served, **{key: release[key] for key in ("tag", "date", "prerelease") if key in release}}
        kinds.update({name: {key: kind[key] for key in ("group", "plural", "scope")} for name, kind in release["kinds"].items()})
    changes = {
        minor: _drop(change, "constraints")
        for minor, change in {**table["changes"], preview["release"]: preview["changes"]}.items()
    }
    retired = {f"{group}/{kind}": {"last": last, "instead": by} for group, kinds in RETIRED.items() for kind, last, by in kinds}
    return {"newest": table["newest"], "releases": releases, "kinds": kinds, "changes": changes, "retired": retired}


def compat(table: Table) -> Table:
    """What each Istio release reads of Gateway API, by patch where it changed; feature flags and their defaults."""
    releases = {}
    for minor, release in table["releases"].items():
        kept = {key: release[key] for key in COMPAT_KEYS if key in release}
        kept["watched"] = {name: kind["version"] for name, kind in release["watched"].items()}
        kept["accepts"] = {name: kind["aliases"] for name, kind in release["watched"].items() if kind.get("aliases")}
        releases[minor] = kept
    return {
        "newest": table["newest"],
        "releases": releases,
        "features": table["features"],
        "notConverted": NOT_CONVERTED,
        "neverRead": NEVER_READ,
    }


def istio_fields(table: Table) -> Table:
    """The field index of the newest stable release; what the preview adds beside it."""
    return {
        "release": table["newest"],
        "tag": table["newestTag"],
        "kinds": table["fields"],
        "preview": table["preview"]["addedFields"],
    }


def gateway_api_constraints(table: Table) -> Table:
    """By release, kind, channel and version: what a release made of a path's limits, as [before, after]."""
    return {"changes": _merged(table["constraintChanges"], MORE_CONSTRAINTS), "formerVersions": FORMER_VERSIONS}


def _merged(one: Table, other: Table) -> Table:
    both = {key: _merged(one[key], other[key]) if isinstance(one[key], dict) else other[key] for key in one.keys() & other.keys()}
    return {**one, **other, **both}


def istio_constraints(table: Table) -> Table:
    """By release and kind: the same."""
    return {minor: change["constraints"] for minor, change in table["changes"].items() if "constraints" in change}


def _drop(entry: Table, *keys: str) -> Table:
    return {key: value for key, value in entry.items() if key not in keys}


def outputs(facts: Path) -> dict[str, bytes]:
    """The files to write, by path under schemas/."""
    names = ("gateway-api", "gateway-api-fields", "istio", "compat", "labels")
    tables = {name: json.loads((facts / f"{name}.json").read_text("utf-8")) for name in names}
    made = {
        "gateway-api/releases.json": gateway_api(tables["gateway-api"]),
        "gateway-api/fields.json": tables["gateway-api-fields"],
        "gateway-api/constraints.json": gateway_api_constraints(tables["gateway-api"]),
        "istio/releases.json": istio(tables["istio"]),
        "istio/fields.json": istio_fields(tables["istio"]),
        "istio/constraints.json": istio_constraints(tables["istio"]),
        "compat/istio-gateway-api.json": compat(tables["compat"]),
        "labels/labels.json": tables["labels"],
    }
    written = {path: _compact(table) for path, table in made.items()}
    written["SOURCES.toml"] = sources(tables).encode()
    return written


def _compact(table: Table) -> bytes:
    return (json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def sources(tables: dict[str, Table]) -> str:
    """SOURCES.toml: the upstream tags that each table was read from."""
    gateway, compat_table, istio_table = tables["gateway-api"], tables["compat"], tables["istio"]
    parts = [
        (
            "gateway-api",
            "kubernetes-sigs/gateway-api",
            [release["tag"] for release in gateway["releases"].values()],
            gateway["preview"]["rev"],
        ),
        ("istio", "istio/api", [release["tag"] for release in istio_table["releases"].values()], istio_table["preview"]["tag"]),
        ("compat", "istio/istio", [release["tag"] for release in compat_table["releases"].values()], None),
        ("labels", "istio/api", [tables["labels"]["newestTag"]], tables["labels"]["preview"]["rev"]),
    ]
    lines = ["# Where the tables of this folder were read from. Written by schemas/build.py."]
    for name, repository, tags, preview in parts:
        lines += ["", f"[{name}]", f'repository = "{repository}"', f"tags = {json.dumps(tags)}"]
        lines += [f'preview = "{preview}"'] if preview else []
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print("usage: build.py FACTS [OUT]", file=sys.stderr)
        return 2
    out = Path(arguments[1]) if len(arguments) == 2 else Path(__file__).parent
    for path, content in outputs(Path(arguments[0])).items():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
