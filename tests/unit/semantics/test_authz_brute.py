"""The model of authorization against a second one that shares nothing with it, over every request of a small world."""

from __future__ import annotations

import json
from typing import Any

import pytest
from authz_brute import FROM, TO, WHEN, envoy, negative, universe, ztunnel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshlint.model.kind import Kind
from meshlint.model.policy import Peer
from meshlint.model.position import Source
from meshlint.model.resource import Resource
from meshlint.read.compose import compose
from meshlint.semantics import authz

WORLD = universe()
WAYPOINT = "a/waypoint"
VALUES = {
    "principals": ["cluster.local/ns/a/sa/x", "cluster.local/ns/a/*", "*/sa/y", "*"], "namespaces": ["a", "b"],
    "serviceAccounts": ["a/x", "b/x"], "requestPrincipals": ["*", "i/s"], "ports": ["8080", "8090"], "methods": ["GET", "POST"],
    "paths": ["/", "/adm*"], "source.principal": ["cluster.local/ns/b/sa/x", "*"], "source.namespace": ["a", "b"],
    "source.serviceAccount": ["a/x"], "destination.port": ["8080"], "request.headers[user]": ["*", "u"], "request.auth.principal": ["*"],
}  # fmt: skip


def some(of: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(VALUES[of]), min_size=1, max_size=2, unique=True)


def fields(names: dict[str, str]) -> st.SearchStrategy[dict[str, Any]]:
    one = st.sampled_from(sorted(names)).flatmap(lambda field: st.tuples(st.sampled_from([field, negative(field)]), some(field)))
    return st.lists(one, min_size=1, max_size=2).map(dict)


def conditions() -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(st.sampled_from(sorted(WHEN)), st.sampled_from(["values", "notValues"])).flatmap(
        lambda pair: some(pair[0]).map(lambda values: {"key": pair[0], pair[1]: values})
    )


RULES = st.fixed_dictionaries(
    {},
    optional={
        "to": st.lists(st.fixed_dictionaries({"operation": fields(TO)}), min_size=1, max_size=2),
        "from": st.lists(st.fixed_dictionaries({"source": fields(FROM)}), min_size=1, max_size=2),
        "when": st.lists(conditions(), min_size=1, max_size=2),
    },
)
SPECS = st.fixed_dictionaries({"action": st.sampled_from(["ALLOW", "DENY", "DENY", "CUSTOM"]), "rules": st.lists(RULES, max_size=2)})
SMALL = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def parsed(spec: dict[str, Any]) -> authz.Authorization:
    text = json.dumps({"spec": spec})
    (table,) = compose(text, Source("policy.yaml", text))
    policy = authz.authorization(Resource(Kind.AUTHORIZATION_POLICY, "security.istio.io/v1", "p", "a", table.root))
    assert policy is not None
    return policy


def request(call: dict[str, Any]) -> authz.Request:
    http = {"method": call["method"], "path": call["path"], "request.headers[user]": call["user"], "request.auth.principal": call["jwt"]}
    peer = None if call["who"] is None else peer_of(call["who"])
    said = {key: value for key, value in http.items() if value is not None}
    return authz.Request(peer, call["port"], call["service_port"], "10.0.0.1", said, call["vouched"])


def peer_of(who: str) -> Peer:
    return Peer("cluster.local", *who.split("/"))


REQUESTS = [(call, request(call)) for call in WORLD]


@SMALL
@given(st.lists(SPECS, max_size=3))
def test_every_place_decides_every_request_alike(specs: list[dict[str, Any]]) -> None:
    policies = [parsed(spec) for spec in specs]
    for call, asked in REQUESTS:
        assert authz.at_sidecar(policies, asked) == envoy(specs, call), call
        assert authz.at_waypoint(policies, asked) == envoy(specs, call, "service_port"), call
        assert authz.at_ztunnel_of_pod(policies, asked) == ztunnel(specs, call), call
        assert authz.at_ztunnel_of_pod(policies, asked, peer_of(WAYPOINT)) == ztunnel(specs, call, WAYPOINT), call


@SMALL
@given(st.lists(SPECS, max_size=3), st.booleans())
def test_what_today_and_tomorrow_decide_differently_is_said(specs: list[dict[str, Any]], through: bool) -> None:
    """Nothing opens and nothing is cut that the model does not announce."""
    waypoint = WAYPOINT if through else None
    said = {change.effect for change in authz.changes([parsed(spec) for spec in specs], [peer_of(WAYPOINT)] if through else ())}
    for call in WORLD:
        today, tomorrow = envoy(specs, call), ztunnel(specs, call, waypoint)
        assert not (tomorrow and not today) or authz.Effect.OPENS in said, call
        assert not (today and not tomorrow) or authz.Effect.CUTS in said, call


@SMALL
@given(SPECS)
def test_a_rule_that_is_said_to_be_dead_matches_nothing(spec: dict[str, Any]) -> None:
    policy = parsed(spec)
    for number, rule in enumerate(authz.converted(policy)):
        alone = {**spec, "rules": [spec["rules"][number]]}
        matched = [call for call in WORLD if ztunnel([alone], call) is (spec["action"] == "ALLOW")]
        assert not rule.never or matched == []
        if not rule.removed:
            today = [call for call in WORLD if envoy([alone], call) is (spec["action"] == "ALLOW")]
            assert matched == today, "nothing is removed, so nothing may change"


@pytest.mark.parametrize("action", ["ALLOW", "DENY"])
@SMALL
@given(rule=RULES)
def test_wider_and_narrower_are_what_they_say(action: str, rule: dict[str, Any]) -> None:
    spec = {"action": action, "rules": [rule]}
    (found,) = authz.converted(parsed(spec))

    def matched(judge: Any) -> list[dict[str, Any]]:
        return [call for call in WORLD if judge([spec], call) is (action == "ALLOW")]

    today, tomorrow = matched(envoy), matched(ztunnel)
    if not found.widened:
        assert all(call in today for call in tomorrow), "it matches more, and nothing was said to be wider"
    if not found.lost and not found.never:
        assert all(call in tomorrow for call in today), "it matches less, and nothing was said to be lost"
