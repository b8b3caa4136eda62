"""What Istio documents about AuthorizationPolicies in ambient, row by row."""

from __future__ import annotations

import pytest

from meshlint.model.kind import Kind
from meshlint.model.policy import Peer
from meshlint.model.position import Source
from meshlint.model.resource import Resource
from meshlint.read.compose import compose
from meshlint.semantics import authz

WAYPOINT = Peer("cluster.local", "shop", "waypoint")
UNNAMED = Peer("cluster.local", "shop", "")


def policy(rules: str, action: str = "ALLOW", annotations: str = "{}") -> authz.Authorization:
    text = f"metadata: {{name: p, namespace: shop, annotations: {annotations}}}\nspec: {{action: {action}, rules: {rules}}}\n"
    (table,) = compose(text, Source("p.yaml", text))
    found = authz.authorization(Resource(Kind.AUTHORIZATION_POLICY, "security.istio.io/v1", "p", "shop", table.root))
    assert found is not None
    return found


# action, the rule, and what ztunnel makes of it: kept, never, or the fields lost with their alternative and those it is widened by
ROWS = [
    ("ALLOW", "from: [{source: {principals: [a]}}]", "kept"),
    ("ALLOW", "from: [{source: {namespaces: [a], ipBlocks: [10.0.0.0/8]}}], to: [{operation: {ports: ['80']}}]", "kept"),
    ("ALLOW", "from: [{source: {serviceAccounts: [a/b]}}]", "kept"),
    ("ALLOW", "when: [{key: source.namespace, values: [a]}, {key: destination.port, notValues: ['80']}]", "kept"),
    ("ALLOW", "", "kept"),
    ("ALLOW", "to: [{operation: {methods: [GET]}}]", "never methods"),
    ("ALLOW", "to: [{operation: {methods: [GET], ports: ['80']}}]", "never methods"),
    ("ALLOW", "to: [{operation: {ports: ['80']}}, {operation: {notPaths: [/x]}}]", "never notPaths"),
    ("ALLOW", "from: [{source: {requestPrincipals: ['*']}}]", "never requestPrincipals"),
    ("ALLOW", "from: [{source: {principals: [a], notRemoteIpBlocks: [10.0.0.0/8]}}]", "never notRemoteIpBlocks"),
    ("ALLOW", "from: [{source: {principals: [a]}}], when: [{key: 'request.headers[x]', values: [y]}]", "never request.headers[x]"),
    ("ALLOW", "when: [{key: connection.sni, values: [y]}]", "never connection.sni"),
    ("ALLOW", "when: [{key: source.serviceAccount, values: [a/b]}]", "never source.serviceAccount"),
    ("ALLOW", "from: [{source: {trustDomains: [td]}}]", "never trustDomains"),
    ("ALLOW", "from: [{source: {namespaces: [a], trustDomains: [td]}}]", "widened trustDomains"),
    ("DENY", "from: [{source: {namespaces: [a]}}]", "kept"),
    ("DENY", "to: [{operation: {paths: [/admin]}}]", "never paths"),
    ("DENY", "from: [{source: {namespaces: [a]}}], to: [{operation: {methods: [GET], paths: [/admin]}}]", "never methods"),
    ("DENY", "from: [{source: {notRequestPrincipals: ['*']}}], to: [{operation: {ports: ['80']}}]", "never notRequestPrincipals"),
    ("DENY", "from: [{source: {namespaces: [a]}}], when: [{key: 'request.headers[x]', values: [y]}]", "never request.headers[x]"),
    ("DENY", "to: [{operation: {ports: ['80'], methods: [GET]}}]", "widened methods"),
    ("DENY", "to: [{operation: {ports: ['80']}}, {operation: {paths: [/admin]}}]", "lost paths"),
    ("DENY", "to: [{operation: {ports: ['80'], methods: [GET]}}, {operation: {paths: [/x]}}]", "widened methods lost paths"),
    ("DENY", "from: [{source: {principals: [a], requestPrincipals: [b]}}]", "widened requestPrincipals"),
]


@pytest.mark.parametrize(("action", "rule", "expected"), ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS])
def test_what_ztunnel_makes_of_a_rule(action: str, rule: str, expected: str) -> None:
    (found,) = authz.converted(policy(f"[{{{rule}}}]", action))
    said = []
    if found.never:
        assert found.deciding is not None
        said = ["never", found.deciding.field]
    for name in ("widened", "lost"):
        if attributes := getattr(found, name):
            said += [name, *(attribute.field for attribute in attributes)]
    assert (" ".join(said) or "kept") == expected


def test_the_other_actions_and_dry_run_never_reach_ztunnel() -> None:
    for action in ("CUSTOM", "AUDIT"):
        assert authz.left_over(policy("[{}]", action)) is None
    assert authz.left_over(policy("[{}]", annotations="{istio.io/dry-run: 'true'}")) is None
    assert authz.left_over(policy("[{}]", annotations="{istio.io/dry-run: 'false'}")) is not None


CALL = authz.Request(Peer("cluster.local", "shop", "web"), 8080, 80, "10.1.2.3", {"method": "GET", "path": "/", "request.headers[x]": "y"})


def test_a_dead_allow_rule_leaves_the_workload_denied() -> None:
    rules = [policy("[{to: [{operation: {methods: [GET]}}]}]")]
    assert authz.at_sidecar(rules, CALL)
    assert not authz.at_ztunnel_of_pod(rules, CALL)


def test_a_dead_deny_rule_lets_everything_in() -> None:
    rules = [policy("[{from: [{source: {namespaces: [shop]}}], to: [{operation: {paths: [/*]}}]}]", "DENY")]
    assert not authz.at_sidecar(rules, CALL)
    assert authz.at_ztunnel_of_pod(rules, CALL)


def test_an_allow_policy_without_rules_allows_nothing_and_a_deny_policy_without_rules_denies_nothing() -> None:
    for decide in (authz.at_sidecar, authz.at_ztunnel_of_pod):
        assert not decide([policy("[]")], CALL)
        assert decide([policy("[]", "DENY")], CALL)


def test_ztunnel_and_sidecar_compare_the_port_of_the_pod_a_waypoint_that_of_the_service() -> None:
    pod, service = policy("[{to: [{operation: {ports: ['8080']}}]}]"), policy("[{to: [{operation: {ports: ['80']}}]}]")
    assert authz.at_sidecar([pod], CALL) and authz.at_ztunnel_of_pod([pod], CALL) and not authz.at_waypoint([pod], CALL)
    assert not authz.at_sidecar([service], CALL) and not authz.at_ztunnel_of_pod([service], CALL) and authz.at_waypoint([service], CALL)


def test_behind_a_waypoint_ztunnel_sees_the_waypoint_and_the_waypoint_sees_the_caller() -> None:
    web = policy("[{from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]}]")
    assert authz.at_ztunnel_of_pod([web], CALL)
    assert not authz.at_ztunnel_of_pod([web], CALL, WAYPOINT)
    assert authz.at_waypoint([web], CALL)
    named = policy("[{from: [{source: {principals: [cluster.local/ns/shop/sa/waypoint]}}]}]")
    assert authz.at_ztunnel_of_pod([named], CALL, WAYPOINT)
    assert not authz.at_waypoint([named], CALL)


def test_plain_text_has_no_identity() -> None:
    plain = CALL._replace(peer=None)
    assert not authz.at_ztunnel_of_pod([policy("[{from: [{source: {principals: ['*']}}]}]")], plain)
    assert authz.at_ztunnel_of_pod([policy("[{from: [{source: {notPrincipals: ['*']}}]}]")], plain)


def test_address_blocks_count_in_both() -> None:
    inside = policy("[{from: [{source: {ipBlocks: [10.1.0.0/16]}}]}]")
    assert authz.at_sidecar([inside], CALL) and authz.at_ztunnel_of_pod([inside], CALL)
    assert not authz.at_ztunnel_of_pod([inside], CALL._replace(address="10.2.0.1"))
    assert not authz.at_ztunnel_of_pod([policy("[{from: [{source: {ipBlocks: [nonsense]}}]}]")], CALL)


IDENTITIES = [  # rule, admits shop/waypoint, may admit a waypoint of shop whose name is not known
    ("from: [{source: {principals: [cluster.local/ns/shop/sa/waypoint]}}]", True, True),
    ("from: [{source: {principals: ['*/ns/shop/sa/waypoint']}}]", True, True),
    ("from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]", False, False),
    ("from: [{source: {principals: [cluster.local/ns/shop/*]}}]", True, True),
    ("from: [{source: {principals: [cluster.local/ns/istio-system/sa/my-waypoint]}}]", False, False),
    ("from: [{source: {namespaces: [shop]}}]", True, True),
    ("from: [{source: {namespaces: [web]}}]", False, False),
    ("from: [{source: {notNamespaces: [web]}}]", True, True),
    ("from: [{source: {notNamespaces: [shop]}}]", False, False),
    ("from: [{source: {serviceAccounts: [waypoint]}}]", True, True),
    ("from: [{source: {serviceAccounts: [other/waypoint]}}]", False, True),
    ("from: [{source: {namespaces: [web]}}, {source: {namespaces: [shop]}}]", True, True),
    ("when: [{key: source.namespace, values: [web]}], from: [{source: {namespaces: [shop]}}]", False, False),
    ("when: [{key: source.principal, notValues: [cluster.local/ns/shop/sa/waypoint]}]", False, False),
    ("from: [{source: {ipBlocks: [10.0.0.0/8]}}]", True, True),
    ("to: [{operation: {ports: ['80']}}]", True, True),
    ("", True, True),
]


@pytest.mark.parametrize(("rule", "named", "unnamed"), IDENTITIES, ids=[row[0] for row in IDENTITIES])
def test_whom_a_rule_admits(rule: str, named: bool, unnamed: bool) -> None:
    (found,) = policy(f"[{{{rule}}}]").rules
    assert authz.admits(found, [WAYPOINT], "shop") is named
    assert authz.admits(found, [UNNAMED], "shop") is unnamed


CHANGES = [  # action, rule, what changes for pods that a waypoint serves
    ("ALLOW", "from: [{source: {namespaces: [web]}}]", {("cuts", "waypoint-refused")}),
    ("ALLOW", "from: [{source: {notNamespaces: [web]}}]", {("opens", "caller-unseen")}),
    ("DENY", "from: [{source: {namespaces: [web]}}]", {("opens", "caller-unseen")}),
    ("DENY", "from: [{source: {notNamespaces: [web]}}]", {("cuts", "waypoint-refused")}),
    ("DENY", "from: [{source: {notPrincipals: [cluster.local/ns/shop/sa/waypoint]}}]", {("opens", "caller-unseen")}),
    ("DENY", "from: [{source: {namespaces: [web]}}], to: [{operation: {paths: [/x]}}]", {("opens", "deny-dead")}),
    ("ALLOW", "to: [{operation: {ports: ['80']}}]", set()),
    ("CUSTOM", "to: [{operation: {paths: [/x]}}]", {("opens", "action")}),
    ("AUDIT", "to: [{operation: {paths: [/x]}}]", set()),
]


@pytest.mark.parametrize(("action", "rule", "expected"), CHANGES, ids=[f"{row[0]} {row[1]}" for row in CHANGES])
def test_what_a_policy_loses_and_cuts_behind_a_waypoint(action: str, rule: str, expected: set[tuple[str, str]]) -> None:
    found = authz.changes([policy(f"[{{{rule}}}]", action)], [WAYPOINT])
    assert {(change.effect.value, change.cause.value) for change in found} == expected


def test_the_deciding_field_is_the_place() -> None:
    (change,) = authz.changes([policy("[{from: [{source: {namespaces: [web]}}], to: [{operation: {paths: [/x]}}]}]", "DENY")])
    assert change.at.path == ("spec", "rules", 0, "to", 0, "operation", "paths")
    (change,) = authz.changes([policy("[{}, {when: [{key: 'request.headers[x]', values: [y]}]}]")])
    assert (change.rule, change.at.path) == (1, ("spec", "rules", 1, "when", 0, "key"))


@pytest.mark.parametrize("spec", ["action: '{{ .Values.action }}'", "rules: '{{ .Values.rules }}'", "action: WARN"])
def test_what_a_template_decides_is_not_judged(spec: str) -> None:
    text = f"spec: {{{spec}}}\n"
    (table,) = compose(text, Source("p.yaml", text))
    assert authz.authorization(Resource(Kind.AUTHORIZATION_POLICY, "security.istio.io/v1", "p", "", table.root)) is None
