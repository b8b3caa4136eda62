"""VirtualServices with subsets, and requests that go near to what they match, from small pools so that matches meet."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.routing.common import Request
from tests.routing.virtual_service import meets

Json = dict[str, Any]
_PATHS = ("/", "/a", "/a/", "/a/b", "/a/b/", "/ab", "/a.b", "/c", "/a/b/c", "/p.S/", "/p.S/M")
_REGEXES = ("/a.*", "/[ab]/x", "/a/[0-9]+", ".*", "/.*", "/a", "/v[0-9]+/x|/c", "^/c$")
_VALUES = ("1", "2", "12", "a-1")
_VALUE_REGEXES = ("1.*", "[0-9]+", "1|2", "*", ".+", "a-1")
_NAMES = ("x", "y", "X-Long")
_REQUEST_PATHS = (
    "/", "/a", "/a/", "/ax", "/a/b", "/a/bx", "/a/b/", "/a/b/c", "/ab", "/ab/c", "/a.b", "/axb", "/c", "/cx", "/a/7", "/v1/x", "/b/x",
    "/A", "/p.S/M", "/p.S/N", "/zzz",
)  # fmt: skip
_METHODS = ("GET", "POST")


class World(NamedTuple):
    """All objects of a cluster, the VirtualService last, and requests for it."""

    objects: list[Json]
    requests: list[Request]

    @property
    def service(self) -> Json:
        return self.objects[-1]


def _text(values: tuple[str, ...], regexes: tuple[str, ...]) -> st.SearchStrategy[Json]:
    return st.one_of(
        st.sampled_from(values).map(lambda value: {"exact": value}),
        st.sampled_from(values).map(lambda value: {"prefix": value}),
        st.sampled_from(regexes).map(lambda value: {"regex": value}),
    )


_named = st.dictionaries(st.sampled_from(_NAMES), st.one_of(_text(_VALUES, _VALUE_REGEXES), st.just({})), max_size=2)
_uri = st.one_of(
    _text(_PATHS, _REGEXES),
    st.sampled_from(_PATHS).map(lambda path: {"prefix": path}),
    st.sampled_from(_PATHS).map(lambda path: {"exact": path}),
)


@st.composite
def _match(draw: st.DrawFn) -> Json:
    out: Json = {}
    if draw(st.booleans()):
        out["uri"] = draw(_uri)
        if draw(st.integers(0, 9)) == 9:
            out["ignoreUriCase"] = True
    if draw(st.integers(0, 2)) == 2:
        out["headers"] = {name.lower(): one for name, one in draw(_named).items()}
    if draw(st.integers(0, 4)) == 4:
        out["queryParams"] = draw(_named)
    if draw(st.integers(0, 3)) == 3:
        out["method"] = draw(st.one_of(st.sampled_from(_METHODS).map(lambda name: {"exact": name}), st.just({"regex": "GET|POST"})))
    if draw(st.integers(0, 12)) == 12:
        out["port"] = draw(st.sampled_from((9080, 9090)))
    if draw(st.integers(0, 9)) == 9:
        out["gateways"] = [draw(st.sampled_from(("mesh", "public")))]
    return {key: value for key, value in out.items() if value != {}}


@st.composite
def _destination(draw: st.DrawFn) -> Json:
    host = draw(st.sampled_from(("reviews", "reviews", "ratings", "reviews.shop.svc.cluster.local")))
    out: Json = {"host": host}
    ports = (9080, 9080, 9080, 9080, 9080, 9090) if host.startswith("reviews") else (8080,)
    if draw(st.integers(0, 3)):
        out["port"] = {"number": draw(st.sampled_from(ports))}
    if host.startswith("reviews") and draw(st.booleans()):
        out["subset"] = draw(st.sampled_from(("v1", "v2", "any", "V.3")))
    return out


_changes = st.fixed_dictionaries(
    {},
    optional={
        "set": st.dictionaries(st.sampled_from(("a", "b")), st.sampled_from(("1", "x y")), min_size=1, max_size=2),
        "add": st.dictionaries(st.sampled_from(("c", "d")), st.just("2"), min_size=1, max_size=1),
        "remove": st.lists(st.sampled_from(("e", "f")), min_size=1, max_size=2, unique=True),
    },
)
_headers = st.fixed_dictionaries({}, optional={"request": _changes, "response": _changes})
_retries = st.one_of(
    st.just({"attempts": 2}),
    st.just({"attempts": 3, "retryOn": "connect-failure,refused-stream,unavailable,cancelled,503,504", "perTryTimeout": "500ms"}),
    st.just({"attempts": 1, "retryOn": "5xx"}),
    st.just({"attempts": 0}),
)


_redirects = st.fixed_dictionaries({}, optional={
    "uri": st.just("/new"), "authority": st.just("other.example.com"), "scheme": st.just("https"), "port": st.just(8443),
    "redirectCode": st.sampled_from((301, 302, 307)), "derivePort": st.just("FROM_REQUEST_PORT"),
})  # fmt: skip
_rewrites = st.fixed_dictionaries({}, optional={"uri": st.sampled_from(("/", "/n", "/n/", "/a")), "authority": st.just("b.example.com")})
_faults = st.just({"abort": {"httpStatus": 500, "percentage": {"value": 1}}})
_timeouts = st.sampled_from(("1.5s", "0s", "2m", "100ms", "90s"))
_RARELY = (("rewrite", 4, _rewrites), ("timeout", 4, _timeouts), ("retries", 6, _retries), ("headers", 6, _headers), ("fault", 40, _faults))


_conditions = st.dictionaries(st.sampled_from((*_NAMES, "z")), _text(_VALUES[:2], _VALUE_REGEXES[:1]), min_size=1, max_size=2)


@st.composite
def _asking(draw: st.DrawFn) -> Json:
    """Conditions that meet often, and whose number decides."""
    field = draw(st.sampled_from(("headers", "queryParams")))
    asked = draw(_conditions)
    return {field: {name.lower(): one for name, one in asked.items()} if field == "headers" else asked}


@st.composite
def _moved(draw: st.DrawFn) -> Json:
    """A rule that rewrites a prefix, mostly as PathPrefix can: with its path without the slash."""
    start = draw(st.sampled_from(("/a", "/a/b", "/c")))
    matches = [{"uri": {"prefix": f"{start}/"}}, *([{"uri": {"exact": start}}] if draw(st.integers(0, 3)) else [])]
    out: Json = {"match": matches, "rewrite": {"uri": draw(st.sampled_from(("/", "/n", "/n/")))}}
    return {**out, "route": [_RATINGS]}


@st.composite
def rule(draw: st.DrawFn) -> Json:
    out: Json = {}
    if draw(st.integers(0, 12)) == 12:
        return draw(_moved())
    if draw(st.integers(0, 4)):
        out["match"] = draw(st.lists(st.one_of(_match(), _match(), _asking()), min_size=1, max_size=2))
    if draw(st.integers(0, 9)) == 9:
        redirect = draw(_redirects)
        if "port" in redirect:
            redirect.pop("derivePort", None)
        return {**out, "redirect": redirect or {"uri": "/new"}}
    out["route"] = draw(_routes())
    for key, often, strategy in _RARELY:
        if draw(st.integers(1, often)) == often:
            out[key] = draw(strategy)
    if draw(st.integers(0, 5)) == 5:
        out["mirror"] = draw(_destination())
        if draw(st.booleans()):
            out["mirrorPercentage"] = {"value": draw(st.sampled_from((0, 10, 0.5, 33.33, 100)))}
    return {key: value for key, value in out.items() if value != {}}


_RATINGS: Json = {"destination": {"host": "ratings", "port": {"number": 8080}}}


@st.composite
def _routes(draw: st.DrawFn) -> list[Json]:
    if draw(st.integers(0, 3)) == 3:
        return [_RATINGS]  # so that rules often differ in one thing
    number = draw(st.sampled_from((1, 1, 2, 3)))
    out = []
    for _ in range(number):
        route: Json = {"destination": draw(_destination())}
        weight = draw(st.sampled_from((None, 0, 10, 30, 90)))
        if weight is not None:
            route["weight"] = weight
        if draw(st.integers(0, 7)) == 7:
            route["headers"] = draw(_headers)
        out.append({key: value for key, value in route.items() if value != {}})
    if number > 1 and not any(route.get("weight") for route in out):
        out[0]["weight"] = 1
    return out


_extras: tuple[Json, ...] = ({"timeout": "2m"}, {"rewrite": {"authority": "b.example.com"}}, {"headers": {"request": {"remove": ["e"]}}})


@st.composite
def _twins(draw: st.DrawFn) -> list[Json]:
    """Two rules that differ in one thing, of which the second is more specific."""
    second = {"uri": {"exact": draw(st.sampled_from(("/a", "/c")))}}
    return [{"match": [draw(_asking())], **draw(st.sampled_from(_extras)), "route": [_RATINGS]}, {"match": [second], "route": [_RATINGS]}]


@st.composite
def _subsets(draw: st.DrawFn) -> Json:
    policies = st.fixed_dictionaries({}, optional={
        "loadBalancer": st.sampled_from(({"simple": "RANDOM"}, {"simple": "LEAST_REQUEST"})),
        "outlierDetection": st.just({"consecutive5xxErrors": 3}),
        "portLevelSettings": st.just([{"port": {"number": 9080}, "connectionPool": {"tcp": {"maxConnections": 9}}}]),
    })  # fmt: skip
    spec: Json = {"host": "reviews"}
    if policy := draw(policies):
        spec["trafficPolicy"] = policy
    spec["subsets"] = []
    for name, labels in (("v1", {"version": "v1"}), ("v2", {"version": "v2", "track": "new"}), ("any", {}), ("V.3", {"version": "v3"})):
        subset: Json = {"name": name, **({"labels": labels} if labels else {})}
        if policy := draw(policies):
            subset["trafficPolicy"] = policy
        spec["subsets"].append(subset)
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "reviews", "namespace": "shop"},
        "spec": spec,
    }


def _service(name: str, ports: list[Json]) -> Json:
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": {"app": name}, "ports": ports}}


_GATEWAY = {
    "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "public", "namespace": "shop"},
    "spec": {"gatewayClassName": "istio", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
}  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> World:
    protocol = draw(st.sampled_from(("http", "http", "http", "grpc")))
    ports = [{"name": protocol, "port": 9080, "targetPort": 8000}]
    if draw(st.integers(0, 2)) == 2:
        ports.append({"name": f"{protocol}-2", "port": 9090})
    spec: Json = {"hosts": ["reviews"]}
    gateways = draw(st.sampled_from(([], [], ["mesh", "public"], ["public"])))
    if gateways:
        spec["gateways"] = gateways
        spec["hosts"] = ["reviews", *draw(st.sampled_from(([], ["*.example.com"])))] if gateways == ["public"] else ["reviews"]
    spec["http"] = draw(st.lists(rule(), min_size=1, max_size=draw(st.sampled_from((2, 4, 7)))))
    if draw(st.integers(0, 7)) == 7:
        spec["http"] = [*draw(_twins()), *spec["http"]]
    virtual = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "reviews", "namespace": "shop"},
        "spec": spec,
    }
    requests = _requests(draw(st.integers(0, 2**16)), [port["port"] for port in ports], spec)
    objects = [_service("reviews", ports), _service("ratings", [{"name": "http", "port": 8080}]), draw(_subsets()), _GATEWAY, virtual]
    return World(objects, requests)


def _requests(seed: int, ports: list[int], spec: Json) -> list[Request]:
    """Drawn from a seed: what matters is how they meet the matches, and a failure names the request. Half of them are made to
    meet one or two matches at once."""
    chance = Random(seed)
    matches = [match for rule in spec["http"] for match in rule.get("match") or ()]
    out = []
    for _ in range(24):
        headers = {name: chance.choice((*_VALUES, "99", "b")) for name in ("x", "y", "x-long", "z") if chance.random() < 0.3}
        query = {name: chance.choice((*_VALUES, "99")) for name in (*_NAMES, "z") if chance.random() < 0.3}
        path, method, port = chance.choice(_REQUEST_PATHS), chance.choice(_METHODS), chance.choice(ports)
        for match in chance.sample(matches, min(len(matches), chance.choice((0, 1, 2)))):
            path = chance.choice([one for one in _REQUEST_PATHS if meets(match.get("uri"), one)] or [path])
            method = chance.choice([one for one in _METHODS if meets(match.get("method"), one)] or [method])
            for wanted, held in ((match.get("headers"), headers), (match.get("queryParams"), query)):
                for name, condition in (wanted or {}).items():
                    fitting = [one for one in (*_VALUES, "99", "b") if meets(condition, one)]
                    if fitting and not (name in held and meets(condition, held[name])):
                        held[name] = chance.choice(fitting)
        out.append(Request(path, method, tuple(sorted(headers.items())), tuple(sorted(query.items())), port=port))
    return out
