"""VirtualServices that share a host at a gateway, and a Gateway that stands in several files."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshlint.model.conversion import Converted, Manner, Outcome
from meshlint.model.kind import Kind
from tests.convert.small import CLUSTER, GATEWAY, NEW, virtual_service
from tests.routing import routes
from tests.routing import virtual_service as model
from tests.routing.cluster import Cluster
from tests.routing.convert import mesh_of
from tests.routing.generate import rule, worlds

Json = dict[str, Any]
GATEWAYS = Manner(gateways=True)
AT = "hosts: [shop.example.com]\ngateways: [public]\n"
REVIEWS = [{"destination": {"host": "reviews", "port": {"number": 9080}}}]
REST = AT + "http: [{route: [{destination: {host: reviews}}]}]"


def at(path: str, host: str = "ratings") -> str:
    return AT + f"http: [{{match: [{{uri: {{{path}}}}}], route: [{{destination: {{host: {host}}}}}]}}]"


def all_of(*specs: str, gateway: str = GATEWAY, manner: Manner = GATEWAYS) -> dict[str, Converted]:
    """The verdicts on VirtualServices a, b and so on, and on the Gateway, by name."""
    objects = [one for text in (CLUSTER, gateway) for one in yaml.safe_load_all(text) if one]
    mesh = mesh_of([*objects, *(virtual_service(spec, name) for spec, name in zip(specs, "abc", strict=False))], NEW)
    return {one.name: mesh.convert(one, manner) for kind in (Kind.VIRTUAL_SERVICE, Kind.GATEWAY) for one in mesh.all(kind)}


def paths(found: Converted) -> list[Json]:
    assert found.outcome is Outcome.CONVERTS, [reason.text for reason in found.because]
    (route,) = (one for one in found.documents if one["kind"] == "HTTPRoute")
    return [match["path"] for rule in route["spec"]["rules"] for match in rule.get("matches", ())]


@pytest.mark.parametrize("written", ["prefix: /api", "regex: '/v[0-9]+/x'"])
def test_what_takes_the_rest_goes_behind_the_expressions_of_others(written: str) -> None:
    found = all_of(at(written), REST)
    assert any(path["type"] == "RegularExpression" for path in paths(found["a"]))
    assert paths(found["b"]) == [{"type": "RegularExpression", "value": "/.*"}]


def test_it_stays_a_prefix_where_the_others_need_no_expression() -> None:
    assert paths(all_of(at("exact: /api"), REST)["b"]) == []
    assert paths(all_of(at("prefix: /api"), REST, manner=Manner(gateways=True, segments=True))["b"]) == []


@pytest.mark.parametrize("written", ["regex: '.+'", "prefix: /"])
def test_what_would_not_go_first_then_keeps_both(written: str) -> None:
    found = all_of(at(written), REST)
    assert {one.outcome for one in found.values()} == {Outcome.STAYS}


def test_an_expression_for_everything_does_not_go_last_now() -> None:
    assert all_of(at("regex: '.*'"), at("exact: /api"))["a"].outcome is Outcome.STAYS


def test_a_gateway_stays_with_virtual_services_that_share_a_request() -> None:
    found = all_of(at("prefix: /api"), at("prefix: /api/v1", "reviews"))
    assert [reason.text for reason in found["a"].because] == [
        "shares GET /api/v1x with VirtualService shop/b, and which of the two goes first is not told"
    ]
    assert found["public"].outcome is Outcome.STAYS


def test_a_listener_may_make_one_host_of_two() -> None:
    everywhere = at("prefix: /api").replace("shop.example.com", '"*"')
    assert all_of(everywhere, at("prefix: /api/v1"))["a"].outcome is Outcome.STAYS
    assert all_of(everywhere, REST)["a"].outcome is Outcome.STAYS
    both = GATEWAY.replace("[shop.example.com]", '["*"]')
    assert all_of(everywhere, at("prefix: /api/v1"), gateway=both)["a"].outcome is Outcome.CONVERTS


def test_a_route_of_the_host_that_is_there_keeps_it() -> None:
    there = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: old, namespace: shop}
spec:
  parentRefs: [{name: public}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: ratings, port: 8080}]}]
"""
    (reason,) = all_of(REST, gateway=there)["a"].because
    assert reason.text == "shares a host with HTTPRoute shop/old, and what both together do is not told"
    assert all_of(REST, gateway=there.replace("[shop.", "[other."))["a"].outcome is Outcome.CONVERTS


def test_a_gateway_in_several_files_converts_in_all_or_none() -> None:
    other = GATEWAY.replace("hosts: [shop.example.com]", "hosts: [shop.example.com]\n      bind: 10.0.0.1")
    for copies in ((GATEWAY, other), (other, GATEWAY)):
        found = _copies(copies)
        assert {one.outcome for one in found} == {Outcome.STAYS}
        assert any("which has a server that has bind" in reason.text for one in found for reason in one.because)
    assert {one.outcome for one in _copies((GATEWAY, GATEWAY))} == {Outcome.CONVERTS}


def _copies(gateways: tuple[str, ...]) -> list[Converted]:
    objects = [one for text in (CLUSTER, *gateways) for one in yaml.safe_load_all(text) if one]
    mesh = mesh_of([*objects, virtual_service(REST)], NEW)
    return [mesh.convert(one, GATEWAYS) for kind in (Kind.GATEWAY, Kind.VIRTUAL_SERVICE) for one in mesh.all(kind)]


@st.composite
def two_at_a_gateway(draw: st.DrawFn) -> tuple[list[Json], Json, Json, list[Any]]:
    """A cluster, two VirtualServices for one host of its gateway, and requests."""
    world = draw(worlds())
    mine, theirs = draw(st.lists(rule(), min_size=1, max_size=2)), [*draw(st.lists(rule(), max_size=1)), {"route": REVIEWS}]
    specs = [{"hosts": ["reviews"], "gateways": ["public"], "http": http} for http in (mine, theirs)]
    one, two = (
        {**world.service, "metadata": {"name": name, "namespace": "shop"}, "spec": spec} for name, spec in zip("ab", specs, strict=True)
    )
    return world.objects[:-1], one, two, world.requests


def merged(specs: tuple[Json, Json]) -> Json:
    """The rules of both as Istio has them in one virtual host: each up to what takes everything, and that of both last."""
    first: list[Json] = []
    rest: list[Json] = []
    for spec in specs:
        for entry in spec["http"]:
            singles = [{**entry, "match": [match]} for match in entry.get("match") or [{}]]
            everything = [single for single in singles if single["match"][0].keys() <= {"ignoreUriCase"} or _slash(single["match"][0])]
            first += singles[: singles.index(everything[0])] if everything else singles
            rest += everything[:1]
            if everything:
                break
    return {"http": [*first, *rest]}


def _slash(match: Json) -> bool:
    return match.get("uri") == {"prefix": "/"} and match.keys() <= {"uri", "ignoreUriCase"}


@pytest.mark.parametrize("examples", [100, pytest.param(500, marks=pytest.mark.slow)])
def test_requests_go_the_same_way_where_two_share_a_host(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(two_at_a_gateway())
    def many(given: tuple[list[Json], Json, Json, list[Any]]) -> None:
        the_same_way(*given)

    many()


def the_same_way(objects: list[Json], one: Json, two: Json, requests: list[Any]) -> None:
    mesh = mesh_of([*objects, one, two])
    found = [mesh.convert(service) for service in mesh.all(Kind.VIRTUAL_SERVICE)]
    if not all(each.outcome is Outcome.CONVERTS for each in found):
        return
    documents = [dict(document) for each in found for document in each.documents]
    before, after = Cluster(objects, "shop"), Cluster([*objects, *documents], "shop")
    made = [document for document in documents if document["kind"] == "HTTPRoute"]
    for request in requests:
        asked = request._replace(port=80, host="reviews.shop.svc.cluster.local")
        then = routes.answer(made, asked, after, "public")
        for specs in ((one["spec"], two["spec"]), (two["spec"], one["spec"])):
            assert model.answer(merged(specs), asked, before, "public") == then, asked
