"""What a converter of others (ingress2gateway) is known to get wrong, one test each."""

from __future__ import annotations

import pytest
import yaml

from meshlint.model.conversion import Converted, Manner, Outcome
from meshlint.model.node import dotted
from tests.convert.small import GATEWAY, convert, made, route, stays

GATEWAYS = Manner(gateways=True)
AT_GATEWAY = """
hosts: [shop.example.com]
gateways: [public]
http:
  - match: [{uri: {prefix: /a/}}]
    route: [{destination: {host: ratings}}]
  - route: [{destination: {host: reviews}}]
"""


def test_01_a_weight_that_is_left_out_does_not_become_zero() -> None:
    assert route(convert("http: [{route: [{destination: {host: reviews}}]}]"))["rules"][0]["backendRefs"] == [
        {"name": "reviews", "port": 9080}
    ]


def test_01_beside_other_weights_a_missing_one_is_zero() -> None:
    refs = route(convert("http: [{route: [{destination: {host: reviews}, weight: 9}, {destination: {host: ratings}}]}]"))["rules"][0][
        "backendRefs"
    ]
    assert [ref["weight"] for ref in refs] == [9, 0]


def test_01_one_destination_gets_everything_whatever_its_weight() -> None:
    refs = route(convert("http: [{route: [{destination: {host: reviews}, weight: 0}]}]"))["rules"][0]["backendRefs"]
    assert "weight" not in refs[0]


def test_02_a_backend_always_has_a_port() -> None:
    assert route(convert("http: [{route: [{destination: {host: ratings}}]}]"))["rules"][0]["backendRefs"][0]["port"] == 8080


def test_02_where_the_port_is_not_known_it_stays() -> None:
    where, said = stays(convert("http: [{route: [{destination: {host: elsewhere}}]}]"))
    assert where == "spec.http[0].route[0].destination.host"
    assert "names no port of" in said


def test_03_redirect_and_route_in_one_rule_are_not_copied() -> None:
    where, said = stays(convert("http: [{redirect: {uri: /new, derivePort: FROM_REQUEST_PORT}, route: [{destination: {host: reviews}}]}]"))
    assert where == "spec.http[0].route"
    assert "beside redirect" in said


def test_04_a_listener_that_terminates_names_its_certificate() -> None:
    gateway = GATEWAY.replace("protocol: HTTP}", "protocol: HTTPS}\n      tls: {mode: SIMPLE, credentialName: shop-cert}").replace(
        "80", "443"
    )
    found = _gateway(gateway)
    (listener,) = found["spec"]["listeners"]
    assert listener["tls"] == {"mode": "Terminate", "certificateRefs": [{"name": "shop-cert"}]}


def _converter(text: str) -> Converted:
    from meshlint.model.kind import Kind
    from tests.convert.small import NEW
    from tests.routing.convert import mesh_of

    mesh = mesh_of(list(yaml.safe_load_all(text)), NEW)
    return mesh.convert(mesh.all(Kind.GATEWAY)[0], GATEWAYS)


def _gateway(text: str) -> dict:  # type: ignore[type-arg]
    found = _converter(text)
    assert found.outcome is Outcome.CONVERTS, found.because
    return dict(found.documents[0])


def test_05_a_mesh_virtual_service_gets_its_service_as_the_parent() -> None:
    assert route(convert("http: [{route: [{destination: {host: reviews}}]}]"))["parentRefs"] == [
        {"group": "", "kind": "Service", "name": "reviews"}
    ]


def test_06_the_rules_of_one_virtual_service_stay_one_route_in_their_order() -> None:
    rules = "".join(
        f"  - {{match: [{{uri: {{exact: /{number}}}}}], route: [{{destination: {{host: ratings}}}}]}}\n" for number in range(12)
    )
    paths = [rule["matches"][0]["path"]["value"] for rule in route(convert(f"http:\n{rules}"))["rules"]]
    assert paths == [f"/{number}" for number in range(12)]


@pytest.mark.parametrize(
    "condition",
    [
        "withoutHeaders: {x: {}}", "authority: {exact: a}", "scheme: {exact: https}", "sourceLabels: {app: a}", "sourceNamespace: a",
        'headers: {"@request.auth.claims.admin": {exact: "true"}}', "method: {prefix: G}",
    ],
)  # fmt: skip
def test_07_a_condition_that_no_match_has_is_not_dropped(condition: str) -> None:
    where, _ = stays(convert(f"http: [{{match: [{{{condition}}}], route: [{{destination: {{host: reviews}}}}]}}]"))
    assert where.startswith("spec.http[0].match[0].")


def test_07_the_beginning_of_a_header_becomes_an_expression() -> None:
    found = route(convert("http: [{match: [{headers: {x: {prefix: a.b}}}], route: [{destination: {host: reviews}}]}]"))
    assert found["rules"][0]["matches"] == [{"headers": [{"name": "x", "type": "RegularExpression", "value": "a\\.b.*"}]}]


def test_08_a_prefix_goes_on_taking_what_lies_beyond_the_segment() -> None:
    found = route(convert("http: [{match: [{uri: {prefix: /foo}}], route: [{destination: {host: reviews}}]}]"))
    assert [match["path"] for match in found["rules"][0]["matches"]] == [
        {"type": "PathPrefix", "value": "/foo"},
        {"type": "RegularExpression", "value": "/foo[^/].*"},
    ]


def test_08_with_segments_it_is_said_what_is_lost() -> None:
    found = convert("http: [{match: [{uri: {prefix: /foo}}], route: [{destination: {host: reviews}}]}]", manner=Manner(segments=True))
    assert [match["path"]["type"] for match in route(found)["rules"][0]["matches"]] == ["PathPrefix"]
    assert any("no longer takes GET /foox" in note.text for note in found.notes)


def test_09_attaching_to_a_gateway_of_another_namespace_is_the_listeners_matter() -> None:
    gateway = GATEWAY.replace("namespace: shop", "namespace: ingress")
    spec = AT_GATEWAY.replace("[public]", "[ingress/public]")
    found = convert(spec, gateway, manner=GATEWAYS)
    assert route(found)["parentRefs"] == [{"name": "public", "namespace": "ingress"}]
    assert not made(found, "ReferenceGrant")
    assert _gateway(gateway)["spec"]["listeners"][0]["allowedRoutes"] == {"namespaces": {"from": "All"}}


def test_09_a_backend_of_another_namespace_gets_a_grant() -> None:
    found = convert(AT_GATEWAY.replace("host: ratings", "host: pay.bank.svc.cluster.local"), GATEWAY, manner=GATEWAYS)
    (grant,) = made(found, "ReferenceGrant")
    assert grant["metadata"]["namespace"] == "bank"
    assert grant["spec"] == {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}],
        "to": [{"group": "", "kind": "Service", "name": "pay"}],
    }


@pytest.mark.parametrize("host", ["ratings.shop", "www.example.com"])
def test_10_a_name_that_is_no_service_does_not_become_one(host: str) -> None:
    where, _ = stays(convert(f"http: [{{route: [{{destination: {{host: {host}, port: {{number: 80}}}}}}]}}]"))
    assert where == "spec.http[0].route[0].destination.host"


def test_10_a_service_entry_is_a_hostname() -> None:
    entry = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: shop}
spec: {hosts: [api.example.com], ports: [{number: 443, name: http, protocol: HTTP}], resolution: DNS}
"""
    refs = route(convert("http: [{route: [{destination: {host: api.example.com}}]}]", entry))["rules"][0]["backendRefs"]
    assert refs == [{"group": "networking.istio.io", "kind": "Hostname", "name": "api.example.com", "port": 443}]


@pytest.mark.parametrize(
    ("written", "said"), [("1.5s", "1s500ms"), ("10s", "10s"), ("0.25s", "250ms"), ("1h", "60m"), ("90m", "90m"), ("100000s", "27h46m40s")]
)
def test_11_durations_have_no_decimals(written: str, said: str) -> None:
    rule = route(convert(f"http: [{{timeout: {written}, route: [{{destination: {{host: reviews}}}}]}}]"))["rules"][0]
    assert rule["timeouts"] == {"request": said}


def test_12_each_prefix_that_is_rewritten_has_a_rule_of_its_own() -> None:
    found = route(convert("""
http:
  - match: [{uri: {prefix: /a/}}, {uri: {exact: /a}}, {uri: {prefix: /b/}}, {uri: {exact: /b}}]
    rewrite: {uri: /}
    route: [{destination: {host: reviews}}]
"""))  # fmt: skip
    rewriting = [rule for rule in found["rules"] if "replacePrefixMatch" in str(rule)]
    assert [rule["matches"] for rule in rewriting] == [[{"path": {"type": "PathPrefix", "value": value}}] for value in ("/a", "/b")]


@pytest.mark.parametrize(
    "action", ["directResponse: {status: 503}", "delegate: {name: nobody}", "fault: {abort: {httpStatus: 500, percentage: {value: 1}}}"]
)
def test_13_14_what_has_no_counterpart_keeps_the_rule(action: str) -> None:
    where, _ = stays(convert(f"http: [{{{action}, route: [{{destination: {{host: reviews}}}}]}}]"))
    assert where == f"spec.http[0].{action.split(':')[0]}"


def test_14_retries_are_not_dropped() -> None:
    spec = "http: [{retries: {attempts: 5}, route: [{destination: {host: reviews}}]}]"
    assert stays(convert(spec))[0] == "spec.http[0].retries"
    assert route(convert(spec, target="istio=1.31,gateway-api=1.6,channel=experimental"))["rules"][0]["retry"] == {
        "attempts": 5,
        "codes": [503],
    }


def test_15_the_pods_of_the_gateway_are_kept_where_their_service_is_known() -> None:
    service = """
apiVersion: v1
kind: Service
metadata: {name: ingress, namespace: shop}
spec: {selector: {istio: ingressgateway}, ports: [{name: http, port: 80}]}
---
"""
    assert _gateway(service + GATEWAY)["spec"]["addresses"] == [{"type": "Hostname", "value": "ingress.shop.svc.cluster.local"}]
    assert "addresses" not in _gateway(GATEWAY)["spec"]


INGRESS = """
apiVersion: v1
kind: Service
metadata: {name: ingress, namespace: shop}
spec: {selector: {istio: ingressgateway}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
"""


def test_15_a_service_of_another_namespace_cannot_be_named() -> None:
    found = _converter(INGRESS.replace("namespace: shop", "namespace: istio-ingress") + GATEWAY)
    assert found.outcome is Outcome.CONVERTS
    assert "addresses" not in next(one for one in found.documents if one["kind"] == "Gateway")["spec"]
    assert ["move the Gateway to namespace istio-ingress" in note.remedy for note in found.notes] == [True]


@pytest.mark.parametrize(
    ("before", "after", "at"),
    [
        ("port: {number: 80,", "port: {number: 8080,", "spec.servers[0].hosts[0]"),  # a port of the pods, which an Istio Gateway may name
        ("namespace: shop}", "namespace: shop, labels: {experimental.istio.io/disable-gateway-port-translation: 'true'}}", ""),
    ],
)
def test_15_a_gateway_with_ports_of_its_pods_stays(before: str, after: str, at: str) -> None:
    written = (INGRESS + GATEWAY).replace(before, after, 1)
    found = _converter(written)
    assert found.outcome is Outcome.STAYS
    assert [dotted(one.at.path) for one in found.because] == [at]


def test_16_the_host_of_redirects_and_rewrites_is_carried_over() -> None:
    found = route(convert("""
http:
  - match: [{uri: {exact: /old}}]
    redirect: {authority: "new.example.com:8443", scheme: https, uri: /new, port: 8443}
  - rewrite: {authority: b.example.com}
    route: [{destination: {host: reviews}}]
"""))  # fmt: skip
    redirect, rewrite = (rule["filters"][0] for rule in found["rules"])
    assert redirect["requestRedirect"] == {
        "scheme": "https", "hostname": "new.example.com", "path": {"type": "ReplaceFullPath", "replaceFullPath": "/new"}, "port": 8443,
        "statusCode": 301,
    }  # fmt: skip
    assert rewrite == {"type": "URLRewrite", "urlRewrite": {"hostname": "b.example.com"}}


def test_16_header_changes_of_a_destination_are_carried_over() -> None:
    found = route(convert("http: [{route: [{destination: {host: reviews}, headers: {request: {set: {x: '1'}}}}]}]"))
    assert found["rules"][0]["backendRefs"][0]["filters"] == [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x", "value": "1"}]}}
    ]


@pytest.mark.parametrize("attempts", [2, 5])
def test_14_where_retries_may_go_is_not_dropped(attempts: int) -> None:
    spec = f"http: [{{retries: {{attempts: {attempts}, retryIgnorePreviousHosts: false}}, route: [{{destination: {{host: reviews}}}}]}}]"
    assert (
        stays(convert(spec, target="istio=1.31,gateway-api=1.6,channel=experimental"))[0] == "spec.http[0].retries.retryIgnorePreviousHosts"
    )


def test_16_the_older_origins_of_cors_count_where_there_are_no_others() -> None:
    old, new = 'allowOrigin: ["https://old.example.com"]', 'allowOrigins: [{exact: "https://new.example.com"}]'
    for written, origin in (
        (old, "https://old.example.com"),
        (new, "https://new.example.com"),
        (f"{old}, {new}", "https://new.example.com"),
    ):
        (cors,) = route(convert(f"http: [{{corsPolicy: {{{written}}}, route: [{{destination: {{host: reviews}}}}]}}]"))["rules"][0][
            "filters"
        ]
        assert cors["cors"]["allowOrigins"] == [origin]


@pytest.mark.parametrize("age", ["0s", "500ms"])
def test_16_preflights_that_are_not_to_be_remembered_keep_it(age: str) -> None:
    cors = f'{{allowOrigins: [{{exact: "https://a.example.com"}}], maxAge: {age}}}'
    assert (
        stays(convert(f"http: [{{corsPolicy: {cors}, route: [{{destination: {{host: reviews}}}}]}}]"))[0]
        == "spec.http[0].corsPolicy.maxAge"
    )


@pytest.mark.parametrize(
    ("share", "said"), [("10", {"percent": 10}), ("0.5", {"fraction": {"numerator": 1, "denominator": 200}}), ("100", {})]
)
def test_16_the_share_of_a_mirror_is_carried_over(share: str, said: dict[str, object]) -> None:
    spec = f"http: [{{mirror: {{host: ratings}}, mirrorPercentage: {{value: {share}}}, route: [{{destination: {{host: reviews}}}}]}}]"
    assert route(convert(spec))["rules"][0]["filters"][0]["requestMirror"] == {"backendRef": {"name": "ratings", "port": 8080}, **said}


def test_16_cors_is_carried_over_where_the_channel_has_it() -> None:
    spec = """
http:
  - corsPolicy: {allowOrigins: [{exact: "https://a.example.com"}], allowMethods: [GET], maxAge: 24h}
    route: [{destination: {host: reviews}}]
"""
    (cors,) = route(convert(spec))["rules"][0]["filters"]
    assert cors == {"type": "CORS", "cors": {"allowOrigins": ["https://a.example.com"], "allowMethods": ["GET"], "maxAge": 86400}}
    assert "no CORS filter" in stays(convert(spec, target="istio=1.28,gateway-api=1.4"))[1]


def test_16_a_port_in_a_match_becomes_a_port_of_the_parent() -> None:
    many = """
apiVersion: v1
kind: Service
metadata: {name: many, namespace: shop}
spec: {selector: {app: many}, ports: [{name: http, port: 80}, {name: http-admin, port: 81}, {name: tcp-db, port: 82}]}
"""
    found = convert("hosts: [many]\nhttp: [{match: [{port: 81}], route: [{destination: {host: reviews}}]}]", many)
    assert route(found)["parentRefs"] == [{"group": "", "kind": "Service", "name": "many", "port": 81}]


def test_16_https_redirect_becomes_a_route_of_that_listener() -> None:
    gateway = GATEWAY.replace("      hosts: [shop.example.com]", "      hosts: [shop.example.com]\n      tls: {httpsRedirect: true}")
    gateway += """\
    - port: {number: 443, name: https, protocol: HTTPS}
      tls: {mode: SIMPLE, credentialName: c}
      hosts: [shop.example.com]
"""
    found = convert(AT_GATEWAY, gateway, manner=GATEWAYS)
    assert route(found)["parentRefs"] == [{"name": "public", "sectionName": "https-443-shop-example-com"}]
