"""Mesh and gateways, several hosts, ports, delegates, layer 4: what converts on its own, and what is left."""

from __future__ import annotations

import pytest

from meshlint.model.conversion import Manner, Outcome
from tests.convert.small import GATEWAY, OLD, convert, made, route, stays

GATEWAYS = Manner(gateways=True)
PLAIN = "http: [{route: [{destination: {host: reviews}}]}]"
KUBERNETES = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
"""


def test_mesh_and_gateway_at_once() -> None:
    found = convert("hosts: [reviews]\ngateways: [mesh, public]\n" + PLAIN, KUBERNETES)
    assert found.outcome is Outcome.CONVERTS
    assert [(one["metadata"]["name"], one["spec"]["parentRefs"]) for one in made(found)] == [
        ("reviews-mesh", [{"group": "", "kind": "Service", "name": "reviews"}]),
        ("reviews-gateway", [{"name": "public"}]),
    ]
    assert made(found)[1]["spec"]["hostnames"] == ["reviews.shop.svc.cluster.local"]


def test_the_mesh_goes_and_the_gateway_stays() -> None:
    found = convert("gateways: [mesh, public]\n" + PLAIN, GATEWAY)
    assert found.outcome is Outcome.SPLIT
    assert found.remainder is not None
    assert found.remainder["spec"]["gateways"] == ["public"]
    assert any("stays for http for its gateways" in note.text for note in found.notes)


def test_a_host_that_stays_does_not_keep_the_others() -> None:
    found = convert("hosts: [reviews, nothing.example.com]\n" + PLAIN)
    assert found.outcome is Outcome.SPLIT
    assert found.remainder is not None
    assert found.remainder["spec"]["hosts"] == ["nothing.example.com"]
    assert [ref["name"] for one in made(found) for ref in one["spec"]["parentRefs"]] == ["reviews"]


def test_hosts_of_one_namespace_share_a_route() -> None:
    found = route(convert("hosts: [reviews, ratings.shop.svc.cluster.local]\n" + PLAIN))
    assert [ref["name"] for ref in found["parentRefs"]] == ["reviews", "ratings"]


def test_the_route_stands_with_the_service_and_not_with_the_virtual_service() -> None:
    (one,) = made(convert("hosts: [pay.bank.svc.cluster.local]\n" + PLAIN))
    assert one["metadata"] == {"name": "reviews-shop", "namespace": "bank"}
    assert one["spec"]["rules"][0]["backendRefs"] == [{"name": "reviews", "namespace": "shop", "port": 9080}]


def test_what_is_exported_to_some_stays() -> None:
    assert stays(convert("exportTo: ['.']\n" + PLAIN))[0] == "spec.exportTo"


def test_two_virtual_services_for_one_host_stay() -> None:
    other = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other, namespace: shop}
spec: {hosts: [reviews], http: [{route: [{destination: {host: ratings}}]}]}
"""
    assert "so is VirtualService shop/other" in stays(convert(PLAIN, other))[1]


def test_a_route_that_is_there_keeps_the_virtual_service() -> None:
    held = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: there, namespace: shop}
spec: {parentRefs: [{group: "", kind: Service, name: reviews}], rules: [{backendRefs: [{name: ratings, port: 8080}]}]}
"""
    assert "HTTPRoute shop/there is attached" in stays(convert(PLAIN, held))[1]


def test_a_listener_that_refuses_the_route_keeps_it() -> None:
    far = KUBERNETES.replace("namespace: shop", "namespace: ingress")
    where, said = stays(convert("hosts: [shop.example.com]\ngateways: [ingress/public]\n" + PLAIN, far))
    assert where == "spec.gateways"
    assert "does not admit routes of namespace shop" in said


def test_one_that_stays_keeps_the_gateway_and_with_it_the_others() -> None:
    other = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other, namespace: shop}
spec: {hosts: [other.example.com], gateways: [public], http: [{fault: {abort: {httpStatus: 500}}, route: [{destination: {host: ratings}}]}]}
"""
    found = convert("hosts: [shop.example.com]\ngateways: [public]\n" + PLAIN, GATEWAY, other, manner=GATEWAYS)
    assert "stays for VirtualService shop/other: that injects a fault" in stays(found)[1]


@pytest.mark.parametrize(("prefix", "outcome"), [("/b/", Outcome.CONVERTS), ("/a/x/", Outcome.STAYS)])
def test_two_that_share_a_host_at_a_gateway(prefix: str, outcome: Outcome) -> None:
    other = f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: other, namespace: shop}}
spec:
  hosts: [shop.example.com]
  gateways: [public]
  http: [{{match: [{{uri: {{prefix: {prefix}}}}}], route: [{{destination: {{host: ratings}}}}]}}]
"""
    mine = "hosts: [shop.example.com]\ngateways: [public]\nhttp: [{match: [{uri: {prefix: /a/}}], route: [{destination: {host: reviews}}]}]"
    assert convert(mine, GATEWAY, other, manner=GATEWAYS).outcome is outcome


def test_what_an_earlier_rule_says_in_the_same_words_is_not_said_again() -> None:
    """The prefix /a/b/ is said as PathPrefix /a/b, since its path without the slash is taken as well; so are parts of the second."""
    spec = """
http:
  - match: [{uri: {prefix: /a/b/}}, {uri: {exact: /a/b}}]
    rewrite: {uri: /}
    route: [{destination: {host: ratings}}]
  - match: [{uri: {prefix: /a/b}}]
    route: [{destination: {host: reviews}}]
"""
    said = [[match["path"]["value"] for match in rule["matches"]] for rule in route(convert(spec))["rules"]]
    assert said == [["/a/b"], ["/a/b"], ["/a/b[^/].*"]]


def test_a_delegate_is_taken_in() -> None:
    delegate = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: below, namespace: bank}
spec:
  http:
    - match: [{uri: {exact: /api/a}}]
      timeout: 2s
      route: [{destination: {host: pay}}]
    - match: [{uri: {exact: /other}}]
      route: [{destination: {host: pay}}]
    - route: [{destination: {host: pay}}]
"""
    spec = """
http:
  - match: [{uri: {prefix: /api/}}]
    timeout: 1s
    delegate: {name: below, namespace: bank}
"""
    found = convert(spec, delegate)
    rules = route(found)["rules"]
    assert [rule["matches"][0]["path"]["value"] for rule in rules] == ["/api/a", "/api/.*"]
    assert [rule["timeouts"]["request"] for rule in rules] == ["2s", "1s"]
    assert all(rule["backendRefs"] == [{"name": "pay", "namespace": "bank", "port": 80}] for rule in rules)
    assert [one.name for one in found.inlined] == ["below"]


def test_ports_that_destinations_leave_open_make_a_route_for_each() -> None:
    many = """
apiVersion: v1
kind: Service
metadata: {name: many, namespace: shop}
spec: {selector: {app: many}, ports: [{name: http, port: 80}, {name: http-admin, port: 81}, {name: tcp-db, port: 82}]}
"""
    found = convert("hosts: [many]\nhttp: [{timeout: 1s, route: [{destination: {host: many}}]}]", many)
    assert [
        (one["metadata"]["name"], one["spec"]["parentRefs"][0]["port"], one["spec"]["rules"][0]["backendRefs"]) for one in made(found)
    ] == [
        ("reviews-80", 80, [{"name": "many", "port": 80}]),
        ("reviews-81", 81, [{"name": "many", "port": 81}]),
    ]


TCP = (
    "hosts: [db]\ntcp: [{match: [{port: 5432}], route: [{destination: {host: db}, weight: 1}, {destination: {host: ratings}, weight: 3}]}]"
)
DATABASE = """
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}, ports: [{name: tcp, port: 5432}]}
"""


def test_tcp_routes() -> None:
    found = route(convert(TCP, DATABASE), "TCPRoute")
    assert found["parentRefs"] == [{"group": "", "kind": "Service", "name": "db", "port": 5432}]
    assert found["rules"] == [
        {"backendRefs": [{"name": "db", "port": 5432, "weight": 1}, {"name": "ratings", "port": 8080, "weight": 3}]},
    ]
    where, said = stays(convert(TCP, DATABASE, target=OLD))
    assert where == "spec.tcp"
    assert "TCPRoute is not in the standard channel" in said


def test_tls_routes_for_the_name_of_the_host_only() -> None:
    spec = "hosts: [db]\ntls: [{match: [{sniHosts: [NAME]}], route: [{destination: {host: db}}]}]"
    found = route(convert(spec.replace("NAME", "db.shop.svc.cluster.local"), DATABASE), "TLSRoute")
    assert found["hostnames"] == ["db.shop.svc.cluster.local"]
    assert "a waypoint knows only db" in stays(convert(spec.replace("NAME", "db.example.com"), DATABASE))[1]


def test_tls_routes_at_a_gateway() -> None:
    gateway = GATEWAY.replace("protocol: HTTP}", "protocol: TLS}\n      tls: {mode: PASSTHROUGH}").replace("80", "443")
    spec = """
hosts: [shop.example.com]
gateways: [public]
tls: [{match: [{sniHosts: [shop.example.com]}], route: [{destination: {host: ratings}}]}]
"""
    assert route(convert(spec, gateway, manner=GATEWAYS), "TLSRoute") == {
        "parentRefs": [{"name": "public"}], "hostnames": ["shop.example.com"],
        "rules": [{"backendRefs": [{"name": "ratings", "port": 8080}]}],
    }  # fmt: skip


def test_grpc_routes_where_the_port_says_so() -> None:
    cart = """
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: grpc, port: 7070}]}
"""
    spec = """
hosts: [cart]
http:
  - match: [{uri: {prefix: /shop.Cart/}}, {uri: {exact: /shop.Pay/Charge}, headers: {x: {exact: "1"}}}]
    route: [{destination: {host: cart}}]
  - route: [{destination: {host: ratings}}]
"""
    assert route(convert(spec, cart), "GRPCRoute")["rules"] == [
        {
            "matches": [
                {"method": {"service": "shop.Cart"}},
                {"method": {"service": "shop.Pay", "method": "Charge"}, "headers": [{"name": "x", "value": "1"}]},
            ],
            "backendRefs": [{"name": "cart", "port": 7070}],
        },
        {"backendRefs": [{"name": "ratings", "port": 8080}]},
    ]
    assert made(convert(spec.replace("  - route", "  - timeout: 1s\n    route"), cart)) != []


def test_more_rules_than_a_route_holds() -> None:
    rules = "".join(
        f"  - {{match: [{{uri: {{exact: /{n}}}}}], timeout: {n + 1}s, route: [{{destination: {{host: ratings}}}}]}}\n" for n in range(40)
    )
    found = convert(f"http:\n{rules}  - route: [{{destination: {{host: reviews}}}}]\n")
    assert [(one["metadata"]["name"], len(one["spec"]["rules"])) for one in made(found)] == [
        ("reviews-1", 16),
        ("reviews-2", 16),
        ("reviews-3", 9),
    ]


def test_rules_whose_order_two_routes_would_not_keep_stay() -> None:
    rules = "".join(
        f"  - {{match: [{{headers: {{h{n}: {{exact: a}}}}}}], timeout: {n + 1}s, route: [{{destination: {{host: ratings}}}}]}}\n"
        for n in range(17)
    )
    assert "more rules than one HTTPRoute holds" in stays(convert(f"http:\n{rules}"))[1]


def test_more_hosts_than_a_route_names() -> None:
    hosts = ", ".join(f"h{n}.example.com" for n in range(20))
    found = convert(f"hosts: [{hosts}]\ngateways: [public]\n{PLAIN}", KUBERNETES)
    assert [len(one["spec"]["hostnames"]) for one in made(found)] == [16, 4]


def test_an_early_rule_keeps_its_precedence_over_a_more_specific_one() -> None:
    found = route(convert("""
http:
  - match: [{headers: {beta: {exact: "1"}}}]
    route: [{destination: {host: ratings}}]
  - match: [{uri: {exact: /a}}]
    route: [{destination: {host: reviews}}]
"""))  # fmt: skip
    assert found["rules"][0]["matches"] == [
        {"headers": [{"name": "beta", "value": "1"}]},
        {"path": {"type": "Exact", "value": "/a"}, "headers": [{"name": "beta", "value": "1"}]},
    ]


def test_where_the_order_cannot_be_kept_an_example_says_so() -> None:
    where, said = stays(convert("""
http:
  - match: [{uri: {regex: "/v[0-9]+/x"}}]
    route: [{destination: {host: ratings}}]
  - match: [{uri: {exact: /v1/x}}]
    route: [{destination: {host: reviews}}]
"""))  # fmt: skip
    assert where == "spec.http[0].match"
    assert said.startswith("takes GET /v")


def test_a_match_that_an_earlier_one_covers_is_left_out() -> None:
    found = route(convert("""
http:
  - match: [{uri: {prefix: /}}]
    route: [{destination: {host: ratings}}]
  - match: [{uri: {exact: /a}}]
    route: [{destination: {host: reviews}}]
"""))  # fmt: skip
    assert found["rules"] == [{"backendRefs": [{"name": "ratings", "port": 8080}]}]


def test_gateways_of_pods_that_the_mesh_sends_to_stay_where_the_pods_cannot_be_kept() -> None:
    spec = """
hosts: [api.example.com]
gateways: [mesh, egress]
http:
  - match: [{gateways: [mesh]}]
    route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local, port: {number: 80}}}]
  - match: [{gateways: [egress]}]
    route: [{destination: {host: ratings}}]
"""
    gateway = (
        GATEWAY.replace("name: public", "name: egress").replace("ingressgateway", "egressgateway").replace("shop.example", "api.example")
    )
    found = convert(spec, gateway, manner=GATEWAYS)
    assert any("to whose pods VirtualService shop/reviews seems to send" in reason.text for reason in found.because)


def test_a_host_that_no_server_of_the_gateway_has_stays() -> None:
    where, said = stays(convert("hosts: [other.example.com]\ngateways: [public]\n" + PLAIN, GATEWAY, manner=GATEWAYS))
    assert where == "spec.gateways"
    assert "no server of its gateways" in said


def test_the_case_of_a_path() -> None:
    spec = "http: [{match: [{uri: {prefix: /A}, ignoreUriCase: true}], route: [{destination: {host: reviews}}]}]"
    assert route(convert(spec))["rules"][0]["matches"] == [{"path": {"type": "RegularExpression", "value": "(?i)/A.*"}}]
    assert "case is ignored" in stays(convert(spec.replace("route:", "rewrite: {uri: /b}, route:")))[1]


def test_cors_is_said_to_answer_preflights() -> None:
    found = convert("http: [{corsPolicy: {allowOrigins: [{exact: 'https://a.example.com'}]}, route: [{destination: {host: reviews}}]}]")
    assert any("preflights" in note.text for note in found.notes)


def test_matches_of_one_rule_that_rewrite_differently_keep_their_order() -> None:
    found = route(convert("""
http:
  - match: [{headers: {x: {exact: "1"}}}, {uri: {exact: /a}}]
    rewrite: {uri: /}
    route: [{destination: {host: ratings}}]
"""))  # fmt: skip
    assert [(rule["matches"], "filters" in rule) for rule in found["rules"]] == [
        (
            [
                {"headers": [{"name": "x", "value": "1"}]},
                {"path": {"type": "Exact", "value": "/a"}, "headers": [{"name": "x", "value": "1"}]},
            ],
            False,
        ),
        ([{"path": {"type": "Exact", "value": "/a"}}], True),
    ]


@pytest.mark.parametrize(
    "rule",
    [
        'match: [{port: "81"}], route: [{destination: {host: reviews}}]', 'route: [{destination: {host: reviews, port: {number: "81"}}}]',
        'mirror: {host: ratings}, mirrorPercentage: {value: "10"}, route: [{destination: {host: reviews}}]',
    ],
)  # fmt: skip
def test_what_the_api_server_refuses_is_not_taken_for_absent(rule: str) -> None:
    where, said = stays(convert(f"http: [{{{rule}}}]"))
    assert where.endswith(("port", "number", "value"))
    assert said.startswith("is refused by the API server: ")
