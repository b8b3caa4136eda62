"""AuthorizationPolicies judged a second time, from the specs alone and in the other words: Envoy's permissions and principals
for sidecars and waypoints, ztunnel's groups of matches for ztunnel. Shares nothing with meshlint.semantics."""

from __future__ import annotations

import fnmatch
import itertools
from typing import Any

NAMES = ("who", "port", "method", "path", "user", "jwt", "vouched")
Spec = dict[str, Any]
Call = dict[str, Any]  # who: "a/x" (namespace/account) or None; user (a header) and jwt: or None; the rest is always there

FROM = {"principals": "principal", "namespaces": "namespace", "serviceAccounts": "account", "requestPrincipals": "jwt"}
TO = {"ports": "port", "methods": "method", "paths": "path"}
WHEN = {
    "source.principal": "principal", "source.namespace": "namespace", "source.serviceAccount": "account", "destination.port": "port",
    "request.headers[user]": "user", "request.auth.principal": "jwt",
}  # fmt: skip
SEEN_BY_ZTUNNEL = ("principal", "namespace", "account", "port")
WHEN_SEEN_BY_ZTUNNEL = ("source.principal", "source.namespace", "destination.port")


def universe() -> list[Call]:
    """Every request there is."""
    return [
        {**dict(zip(NAMES, values, strict=True)), "service_port": values[1] - 8000}
        for values in itertools.product(
            ("a/x", "a/y", "b/x", None), (8080, 8090), ("GET", "POST"), ("/", "/admin"), ("u", None), ("i/s", None), (True, False)
        )
    ]


def holds(what: str, values: list[str], call: Call, port: str) -> bool:
    """Is the attribute among the values?"""
    who = call["who"]
    actual = {
        "principal": who and "cluster.local/ns/{}/sa/{}".format(*who.split("/")),
        "namespace": who and who.split("/")[0],
        "account": who,
        "port": str(call[port]),
    }.get(what, call.get(what))
    return bool(actual) and any(fnmatch.fnmatchcase(actual, value) for value in values)


def envoy(policies: list[Spec], call: Call, port: str = "port") -> bool:
    """CUSTOM, DENY, ALLOW, as the filters stand in a proxy."""
    custom, deny, allow = ([p["rules"] for p in policies if p["action"] == action] for action in ("CUSTOM", "DENY", "ALLOW"))
    if any(envoy_rule(rule, call, port) for rules in custom for rule in rules) and not call["vouched"]:
        return False
    if any(envoy_rule(rule, call, port) for rules in deny for rule in rules):
        return False
    return not allow or any(envoy_rule(rule, call, port) for rules in allow for rule in rules)


def envoy_rule(rule: Spec, call: Call, port: str) -> bool:
    base = [(WHEN[c["key"]], c.get("values"), c.get("notValues")) for c in rule.get("when", [])]
    principals = [base + terms(f["source"], FROM) for f in rule["from"]] if "from" in rule else [base]
    permissions = [terms(t["operation"], TO) for t in rule["to"]] if "to" in rule else [[]]

    def met(listed: list[Any]) -> bool:
        return all((not yes or holds(w, yes, call, port)) and not (no and holds(w, no, call, port)) for w, yes, no in listed)

    return any(map(met, permissions)) and any(map(met, principals))


def terms(fields: Spec, names: dict[str, str]) -> list[Any]:
    return [(what, fields.get(field), fields.get(negative(field))) for field, what in names.items()]


def negative(field: str) -> str:
    return "not" + field[0].upper() + field[1:]


def ztunnel(policies: list[Spec], call: Call, waypoint: str | None = None) -> bool:
    seen = call if waypoint is None else {**call, "who": waypoint}
    allows, denies = [], []
    for policy in policies:
        action = policy["action"]
        if action in ("ALLOW", "DENY"):
            (allows if action == "ALLOW" else denies).append([g for r in policy["rules"] if (g := groups(r, action)) is not None])
    if any(group_fits(group, seen) for policy in denies for group in policy):
        return False
    return not allows or any(group_fits(group, seen) for policy in allows for group in policy)


def groups(rule: Spec, action: str) -> list[list[Any]] | None:
    """A rule as ztunnel gets it: clauses of matches of terms; None: it is not sent."""
    clauses: list[list[Any]] = []
    http = False
    for name, inner, names in (("to", "operation", TO), ("from", "source", FROM)):
        if name in rule:
            clauses.append([])
            for item in rule[name]:
                told = [t for t in terms(item[inner], names) if t[1] or t[2]]
                http = http or any(what not in SEEN_BY_ZTUNNEL for what, _, _ in told)
                clauses[-1].append([t for t in told if t[0] in SEEN_BY_ZTUNNEL])
    for c in rule.get("when", []):
        can = c["key"] in WHEN_SEEN_BY_ZTUNNEL
        http = http or not can
        clauses.append([[(WHEN[c["key"]], c.get("values"), c.get("notValues"))] if can else []])
    return None if http and action == "ALLOW" else clauses


def group_fits(clauses: list[list[Any]], call: Call) -> bool:
    for clause in clauses:
        fitting = False
        for match in clause:
            if not match:
                continue
            found = [(not yes or holds(w, yes, call, "port")) and not (no and holds(w, no, call, "port")) for w, yes, no in match]
            fitting = fitting or all(found)
        if not fitting:
            return False
    return True
