"""The order of rules and the reach of prefixes, held against going through every request of a small world."""

from __future__ import annotations

import json
import random
import re
from itertools import product
from typing import Any

import pytest

from meshlint.read.file import read_text
from meshlint.semantics.http_match import Match, matches_of
from meshlint.semantics.http_order import Change, narrowed, reordered

Rules = list[dict[str, Any]]
Request = tuple[str, str, str | None, str | None]  # path, method, headers x and y
PATHS = ("/", "/a", "/a/", "/a/b", "/a/b/c", "/a/bc", "/ab", "/ab/c", "/abc", "/ac", "/b", "/b/a", "/c")
REQUESTS: list[Request] = list(product(PATHS, ("GET", "POST", "PUT"), (None, "1", "2"), (None, "1")))
URIS: list[dict[str, str] | None] = [
    None, {"prefix": "/"}, {"prefix": "/a"}, {"prefix": "/a/"}, {"prefix": "/a/b"}, {"prefix": "/ab"}, {"exact": "/a"}, {"exact": "/ab"},
    {"exact": "/a/b"}, {"regex": "/a.*"}, {"regex": "/b"}, {"regex": ".*"},
]  # fmt: skip


def takes(match: dict[str, Any], request: Request, segments: bool) -> bool:
    path, method, *headers = request
    uri = match.get("uri") or {"prefix": "/"}
    if "prefix" in uri:
        trimmed = uri["prefix"].rstrip("/")
        fits = path == trimmed or path.startswith(trimmed + "/") if segments else path.startswith(uri["prefix"])
    else:
        fits = path == uri["exact"] if "exact" in uri else re.fullmatch(uri["regex"], path) is not None
    wanted = match.get("headers", {})
    held = dict(zip(("x", "y"), headers, strict=True))
    return fits and match.get("method", {}).get("exact", method) == method and all(held[key] == wanted[key]["exact"] for key in wanted)


def key(match: dict[str, Any]) -> tuple[int, ...]:
    ((kind, value),) = (match.get("uri") or {"prefix": "/"}).items()
    length = len(value.rstrip("/") or "/") if kind == "prefix" else len(value)
    return (("regex", "prefix", "exact").index(kind), length, int("method" in match), len(match.get("headers", {})))


def answers(rules: Rules, segments: bool, sort: bool) -> list[int | None]:
    """What each request meets: the timeout of the rule."""
    flat = [(match, rule["timeout"]) for rule in rules for match in rule.get("match", [{}])]
    if sort:
        flat.sort(key=lambda pair: key(pair[0]), reverse=True)
    return [next((effect for match, effect in flat if takes(match, request, segments)), None) for request in REQUESTS]


def random_rules(chance: random.Random) -> Rules:
    rules: Rules = []
    for _ in range(chance.randint(1, 4)):
        match: dict[str, Any] = {}
        if uri := chance.choice(URIS):
            match["uri"] = uri
        if chance.random() < 0.2:
            match["method"] = {"exact": chance.choice(("GET", "POST"))}
        names = [name for name in ("x", "y") if chance.random() < 0.25]
        if names:
            match["headers"] = {name: {"exact": chance.choice(("1", "2") if name == "x" else ("1",))} for name in names}
        rules.append({"timeout": chance.randint(1, 3), **({"match": [match]} if match else {})})
    return rules


def read(rules: Rules) -> list[Match]:
    root = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a"}, "spec": {"http": rules}}
    return matches_of(list(read_text(json.dumps(root), "a.yaml").documents[0].root.each("spec", "http")))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_told_changes_and_what_is_not_told_does_not(seed: int) -> None:
    chance = random.Random(seed)
    silent = told = 0
    for _ in range(250):
        rules = random_rules(chance)
        matches = read(rules)
        cut = narrowed(Change(matches))
        pairs = reordered(Change(matches))
        before, after = answers(rules, segments=False, sort=False), answers(rules, segments=True, sort=True)
        if pairs or cut:
            told += 1
            assert before != after, rules
        else:
            silent += 1
            wider = [request for request in REQUESTS if request[0] == "/a"]  # PathPrefix /a/ takes /a as well
            alike = [one == other for one, other, request in zip(before, after, REQUESTS, strict=True) if request not in wider]
            assert all(alike), rules
    assert silent > 50 and told > 50


def told(http: str) -> tuple[list[tuple[Any, Any]], list[Any]]:
    text = f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\nspec:\n  http:\n{http}"
    matches = matches_of(list(read_text(text, "a.yaml").documents[0].root.each("spec", "http")))
    pairs = [(first.at.path[2], second.at.path[2]) for first, second in reordered(Change(matches))]
    return pairs, [match.at.get("uri", "prefix").value for match in narrowed(Change(matches))]


@pytest.mark.parametrize(
    ("first", "second", "changes"),
    [
        ("uri: {regex: '/users/[0-9]+'}", "uri: {prefix: /}", True),
        ("uri: {regex: '/users/[0-9]+'}", "uri: {prefix: /users}", True),
        ("uri: {regex: '/users/[0-9]+'}", "uri: {prefix: /users/1}", False),  # what else the expression takes is not known
        ("uri: {regex: '/users/[0-9]+'}", "uri: {prefix: /teams}", False),
        ("uri: {regex: '/users[0-9]*'}", "uri: {prefix: /users}", False),  # /users1 lies beside it
        ("uri: {regex: '/users/.*'}", "uri: {prefix: /}", True),
        ("uri: {regex: '^/users/.+$'}", "uri: {prefix: /users/}", True),
        ("uri: {regex: '/users\\.json'}", "uri: {exact: /users.json}", True),
        ("uri: {regex: '/users.json'}", "uri: {exact: /users.json}", False),
        ("uri: {regex: '/a|/b'}", "uri: {exact: /a}", False),
        ("uri: {regex: '/ab*'}", "uri: {exact: /c}", False),
        ("headers: {x: {regex: 'a.*'}}", "{uri: {prefix: /p/}, headers: {x: {exact: ab}}}", True),
        ("headers: {x: {}}", "{uri: {prefix: /p/}, headers: {x: {prefix: ab}}}", True),
        ("headers: {x: {exact: a}}", "{uri: {prefix: /p/}, headers: {X: {exact: b}}}", False),
        ("headers: {cookie: {regex: '^(.*?;)?(user=a)(;.*)?$'}}", "{uri: {prefix: /p/}}", True),
        ("headers: {cookie: {regex: '^(.*?;)?(user=a)(;.*)?$'}}", "{uri: {prefix: /p/}, headers: {cookie: {regex: 'user=(b|c)'}}}", False),
        ("queryParams: {q: {exact: a}}", "{uri: {prefix: /p/}, queryParams: {q: {exact: b}}}", False),
        ("port: 80", "{uri: {prefix: /p/}, port: 81}", False),
        ("port: 80", "{uri: {prefix: /p/}, port: 80}", True),
        ("authority: {exact: a}", "{uri: {prefix: /p/}, scheme: {exact: https}}", True),
        ("withoutHeaders: {x: {}}", "{uri: {prefix: /p/}, headers: {x: {exact: a}}}", False),
        ("withoutHeaders: {x: {exact: a}}", "{uri: {prefix: /p/}, headers: {x: {exact: b}}}", True),
        ("method: {exact: GET}", "{uri: {prefix: /p/}, method: {exact: POST}}", False),
        ("uri: {}", "uri: {prefix: /p/}", True),
    ],
)
def test_two_rules(first: str, second: str, changes: bool) -> None:
    second = second if second.startswith("{") else f"{{{second}}}"
    pairs, _ = told(f"  - match: [{{{first}}}]\n    timeout: 1s\n  - match: [{second}]\n    timeout: 2s\n")
    assert pairs == ([(0, 1)] if changes else [])


def test_a_gateway_puts_what_takes_everything_last() -> None:
    text = "- {match: [{uri: {regex: '/users/.*'}}], timeout: 1s}\n- {match: [{uri: {prefix: /}}], timeout: 2s}\n"
    matches = matches_of(list(read_text(f"kind: A\napiVersion: v1\nhttp:\n{text}", "a.yaml").documents[0].root.each("http")))
    assert len(reordered(Change(matches))) == 1
    assert reordered(Change(matches, gateway=True)) == []


def test_a_large_object_takes_no_longer_than_a_route_may_be() -> None:
    match = "  - match: [{{headers: {{h{0}: {{exact: a}}}}}}, {{uri: {{regex: '(a+)+{0}'}}}}]\n    timeout: {0}s\n"
    assert 0 < len(told("".join(match.format(number) for number in range(2000)))[0]) < 100
