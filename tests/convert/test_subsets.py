"""Subsets as Services, and their policies."""

from __future__ import annotations

import pytest
import yaml

from meshlint.edit.names import label
from meshlint.model.conversion import Outcome
from meshlint.model.node import dotted
from tests.convert.small import convert, made, route, stays

TO_V2 = "http: [{route: [{destination: {host: reviews, subset: v2}}]}]"


def test_a_subset_becomes_a_service_with_its_labels() -> None:
    found = convert(TO_V2)
    (service,) = made(found, "Service")
    assert service["metadata"] == {"name": "reviews-v2", "namespace": "shop", "labels": {"istio.io/use-waypoint": "waypoint"}}
    assert service["spec"] == {
        "selector": {"app": "reviews", "version": "v2"},
        "ports": [{"name": "http", "port": 9080, "targetPort": 8080}],
    }
    assert route(found)["rules"] == [{"backendRefs": [{"name": "reviews-v2", "port": 9080}]}]


def test_its_policy_moves_with_what_stands_above_it() -> None:
    (rule,) = made(convert(TO_V2), "DestinationRule")
    assert rule["spec"] == {
        "host": "reviews-v2",
        "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}, "outlierDetection": {"consecutive5xxErrors": 3}},
    }


def test_the_subsets_that_nothing_uses_then_are_named() -> None:
    assert [dotted(node.path) for node in convert(TO_V2).unused] == ["spec.subsets[1]"]


def test_a_subset_that_others_use_is_not() -> None:
    other = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other, namespace: shop}
spec: {hosts: [ratings], http: [{route: [{destination: {host: reviews, subset: v2}}]}]}
"""
    found = convert(TO_V2, other)
    assert found.whole
    assert found.unused == ()


def test_a_service_that_serves_just_that_is_used() -> None:
    held = """
apiVersion: v1
kind: Service
metadata: {name: reviews-v2, namespace: shop}
spec: {selector: {app: reviews, version: v2}, ports: [{name: http, port: 9080, targetPort: 8080}]}
"""
    found = convert(TO_V2, held)
    assert made(found, "Service") == []
    assert route(found)["rules"][0]["backendRefs"] == [{"name": "reviews-v2", "port": 9080}]


def test_another_object_of_the_name_is_left_alone() -> None:
    other = """
apiVersion: v1
kind: Service
metadata: {name: reviews-v2, namespace: shop}
spec: {selector: {app: something}, ports: [{name: http, port: 9080}]}
"""
    assert [one["metadata"]["name"] for one in made(convert(TO_V2, other), "Service")] == ["reviews-v2-subset"]


def test_a_wildcard_rule_does_not_reach_the_new_service() -> None:
    wild = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: all, namespace: shop}
spec: {host: "*.shop.svc.cluster.local", trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}}
---
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: shop}
spec: {selector: {app: plain}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: plain, namespace: shop}
spec: {host: plain, subsets: [{name: v1, labels: {version: v1}}]}
"""
    found = convert("http: [{route: [{destination: {host: plain, subset: v1}}]}]", wild)
    assert [one["spec"] for one in made(found, "DestinationRule")] == [{"host": "plain-v1"}]


@pytest.mark.parametrize(
    ("subset", "said"),
    [
        ("nowhere", "no DestinationRule declares"),
        ("clash", "contradicts the selector"),
    ],
)
def test_what_has_no_service(subset: str, said: str) -> None:
    more = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ratings, namespace: shop}
spec: {host: ratings, subsets: [{name: clash, labels: {app: other}}]}
"""
    where, text = stays(convert(f"http: [{{route: [{{destination: {{host: ratings, subset: {subset}}}}}]}}]", more))
    assert where == "spec.http[0].route[0].destination.subset"
    assert said in text


def test_a_subset_of_a_service_of_another_repository_stays() -> None:
    _, text = stays(convert("http: [{route: [{destination: {host: far.away.svc.cluster.local, subset: v1, port: {number: 80}}}]}]"))
    assert "whose Service is not in this repository" in text


def test_what_a_rollout_edits_stays() -> None:
    rollout = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: reviews, namespace: shop}
spec:
  strategy: {canary: {trafficRouting: {istio: {virtualService: {name: reviews}}}}}
"""
    found = convert("http: [{route: [{destination: {host: reviews}}]}]", rollout)
    assert "is edited by Rollout shop/reviews" in stays(found)[1]
    assert "argoproj-labs/gatewayAPI" in found.because[0].remedy


def test_what_a_canary_edits_stays() -> None:
    canary = """
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: reviews, namespace: shop}
spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: reviews}, service: {port: 9080}}
"""
    found = convert("http: [{route: [{destination: {host: reviews}}]}]", canary)
    assert "is edited by Canary shop/reviews" in stays(found)[1]
    assert "gatewayapi:v1" in found.because[0].remedy


def test_port_level_settings_are_merged_by_port() -> None:
    rule = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ratings, namespace: shop}
spec:
  host: ratings
  trafficPolicy:
    loadBalancer: {simple: RANDOM}
    portLevelSettings: [{port: {number: 8080}, tls: {mode: DISABLE}, loadBalancer: {simple: ROUND_ROBIN}}]
  subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {loadBalancer: {simple: LEAST_REQUEST}}}]
"""
    (found,) = made(convert("http: [{route: [{destination: {host: ratings, subset: v1}}]}]", rule), "DestinationRule")
    assert found["spec"]["trafficPolicy"] == {
        "loadBalancer": {"simple": "LEAST_REQUEST"},
        "portLevelSettings": [{"port": {"number": 8080}, "tls": {"mode": "DISABLE"}, "loadBalancer": {"simple": "LEAST_REQUEST"}}],
    }


@pytest.mark.parametrize("text", ["v1", "V1", "v.1", "9", "x" * 80, "-", "ß"])
def test_names_are_labels_and_differ(text: str) -> None:
    import re

    name = label(f"reviews-{text}")
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name)
    assert name == label(f"reviews-{text}")
    assert len({label(one) for one in ("reviews-v.1", "reviews-v-1", "reviews-V-1", "reviews-v_1")}) == 4


def test_yaml_of_names_that_look_like_something_else() -> None:
    from meshlint.report.conversion import dumps

    found = convert(
        'http: [{match: [{headers: {"y": {exact: "on"}}, queryParams: {"1": {exact: "1.30"}}}], route: [{destination: {host: reviews}}]}]'
    )
    (again,) = yaml.safe_load_all(dumps(made(found)))
    assert found.outcome is Outcome.CONVERTS
    assert again["spec"]["rules"][0]["matches"] == [
        {"headers": [{"name": "y", "value": "on"}], "queryParams": [{"name": "1", "value": "1.30"}]}
    ]
