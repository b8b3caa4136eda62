"""What has to hold of a conversion: every request goes the same way, and the target takes what was made."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

from meshlint.model.conversion import Converted
from meshlint.model.target import Target, resolve_target
from meshlint.semantics.convert.check import resources
from meshlint.semantics.schema_walk import faults
from tests.routing import routes, virtual_service
from tests.routing.cluster import Cluster
from tests.routing.common import Request
from tests.routing.convert import TARGET
from tests.routing.generate import World

Json = dict[str, Any]
_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_ROUTES = ("HTTPRoute", "GRPCRoute")
_NO_CALL = re.compile(r"/[^/]*")  # of gRPC: the path of a call is always /service/method


def prove(world: World, found: Converted, segments: bool = False) -> None:
    """Raises AssertionError with the request that goes another way, or with what is wrong with an object."""
    documents = [dict(document) for document in found.documents]
    valid(documents, resolve_target(TARGET))
    before = Cluster(world.objects, "shop")
    after = Cluster([*world.objects, *documents], "shop")
    made = [document for document in documents if document["kind"] in _ROUTES]
    left = (found.remainder or {"spec": {"hosts": []}})["spec"]
    spec = world.service["spec"]
    for request in world.requests:
        for place, parent in (("mesh", "reviews"), ("public", "public")):
            if place not in (spec.get("gateways") or ["mesh"]):
                continue
            if _NO_CALL.fullmatch(request.path) and any(one["kind"] == "GRPCRoute" and _at(one, parent) for one in made):
                continue
            asked = request if place == "mesh" else request._replace(port=80, host="reviews.shop.svc.cluster.local")
            stays = bool(left["hosts"]) and place in (left.get("gateways") or ["mesh"])
            assert not (stays and any(_at(one, parent) for one in made)), f"{place}: a route and what is left of the VirtualService"
            now = virtual_service.answer(spec, asked, before, place, segments)
            then = virtual_service.answer(left, asked, after, place, segments) if stays else routes.answer(made, asked, after, parent)
            assert now == then, _said(asked, place, now, then)


def _at(route: Json, parent: str) -> bool:
    return any(ref["name"] == parent for ref in route["spec"]["parentRefs"])


def _said(request: Request, place: str, now: object, then: object) -> str:
    return f"{place} {request}\nnow  {now}\nthen {then}"


def valid(documents: list[Json], target: Target) -> None:
    """The target's own schema, and the rules of the CRDs that are written in CEL."""
    for resource in resources(documents):
        assert faults(resource, target) == (), resource.title
    names = [(document["kind"], document["metadata"].get("namespace"), document["metadata"]["name"]) for document in documents]
    assert len(set(names)) == len(names)
    for document in documents:
        assert _LABEL.fullmatch(document["metadata"]["name"]), document["metadata"]["name"]
        if document["kind"] in _ROUTES:
            _valid_route(document)


def _valid_route(route: Json) -> None:
    rules = route["spec"]["rules"]
    assert 1 <= len(rules) <= 16
    assert sum(len(rule.get("matches") or [{}]) for rule in rules) <= 128
    listed = [match for rule in rules for match in rule.get("matches") or [{}]]
    assert all(one != other for one, other in combinations(listed, 2)), "the same match twice"
    for name in route["spec"].get("hostnames", ()):
        assert re.fullmatch(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name)
    for rule in rules:
        assert len(rule.get("matches") or [{}]) <= 64
        _valid_rule(rule)


def _valid_rule(rule: Json) -> None:
    filters = rule.get("filters") or []
    types = [one["type"] for one in filters]
    assert not ({"RequestRedirect", "URLRewrite"} <= set(types))
    assert all(types.count(one) == 1 for one in types if one != "RequestMirror")
    assert "RequestRedirect" not in types or "backendRefs" not in rule
    for one in filters:
        modifier = (one.get("urlRewrite") or one.get("requestRedirect") or {}).get("path") or {}
        if modifier.get("type") == "ReplacePrefixMatch":
            (match,) = rule["matches"]
            assert match["path"]["type"] == "PathPrefix"
    for ref in rule.get("backendRefs") or ():
        assert isinstance(ref["port"], int)
        assert 0 <= ref.get("weight", 1) <= 1_000_000
    timeouts = rule.get("timeouts") or {}
    assert all(re.fullmatch(r"([0-9]{1,5}(h|m|s|ms)){1,4}", value) for value in timeouts.values())
