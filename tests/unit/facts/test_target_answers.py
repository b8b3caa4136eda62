"""What a target says of kinds, fields and values: checked by hand against the upstream releases."""

import pytest

from meshlint import facts
from meshlint.model.kind import ISTIO_KINDS, RETIRED_KINDS, Kind
from meshlint.model.target import Target, read_since, resolve_target, standard_since


def target(istio="1.30", gateway_api="1.5", channel="standard"):
    return resolve_target(f"istio={istio},gateway-api={gateway_api},channel={channel}")


def test_tlsroute_is_standard_since_1_5_and_read_as_v1_since_istio_1_30():
    assert standard_since("TLSRoute") == "1.5"
    assert read_since("TLSRoute", "v1") == "1.30"
    assert target().since(Kind.TLS_ROUTE) == "standard since Gateway API 1.5, read as v1 since Istio 1.30"
    assert target().route(Kind.TLS_ROUTE).usable
    assert target("1.30", "1.5").crd_bounds("TLSRoute") == ("1.5.0", None)
    assert target("1.30", "1.4", "experimental").route("TLSRoute").codes == ("version-not-served", "crd-below-minimum")


def test_tlsroute_on_istio_1_29_needs_the_flag_and_an_older_bundle():
    support = target("1.29", "1.5").route(Kind.TLS_ROUTE)
    assert support.codes == ("version-not-served", "needs-flag", "crd-above-maximum")
    assert support.watched == "v1alpha2"
    assert "v1 since Istio 1.30" in support.text
    assert "drops the CRD of TLSRoute above 1.4.1, the target has 1.5.1" in support.text
    assert target("1.29", "1.4").route(Kind.TLS_ROUTE).codes == ("not-in-channel", "needs-flag")
    assert target("1.29", "1.4", "experimental").route(Kind.TLS_ROUTE).codes == ("needs-flag",)


@pytest.mark.parametrize(
    ("istio", "highest"),
    [("1.29.1", None), ("1.29.2", "1.4.0"), ("1.29.3", "1.4.1"), ("1.29.99", "1.4.1"), ("1.29", "1.4.1"), ("1.27.8", None)],
)
def test_crd_bounds_follow_the_patch(istio, highest):
    assert target(istio).crd_bounds(Kind.TLS_ROUTE)[1] == highest


def test_the_alpha_flag_lifts_the_gate():
    flagged = target("1.29", "1.4", "experimental")._replace(alpha_flag=True)
    assert flagged.alpha_gated(Kind.TCP_ROUTE)
    assert flagged.route(Kind.TCP_ROUTE).usable
    assert not target("1.29", "1.4", "experimental").route(Kind.TCP_ROUTE).usable


def test_tcproute_is_standard_in_1_6_and_read_as_v1_since_istio_1_31():
    assert standard_since("TCPRoute") == "1.6"
    assert read_since("TCPRoute", "v1") == "1.31"
    assert target("1.30", "1.6").route("TCPRoute").codes == ("version-not-served", "needs-flag")
    assert target("1.31", "1.6").route("TCPRoute").usable
    assert target("1.31", "1.5", "experimental").route("TCPRoute").codes == ("version-not-served", "crd-below-minimum")


def test_udproute_is_never_turned_into_configuration():
    assert "not-converted" in target("1.31", "1.6", "experimental").route("UDPRoute").codes


def test_httproute_retry_is_experimental_since_1_2_and_never_standard():
    retry = target().field(Kind.HTTP_ROUTE, "spec.rules[].retry")
    assert (retry.in_target, retry.standard_since, retry.experimental_since) == (False, None, "1.2")
    assert retry.since == "experimental since Gateway API 1.2, not standard up to 1.6"
    assert target("1.30", "1.5", "experimental").field(Kind.HTTP_ROUTE, "spec.rules[].retry").in_target
    assert not target("1.30", "1.1", "experimental").field(Kind.HTTP_ROUTE, "spec.rules[].retry").in_target
    assert not target().field(Kind.HTTP_ROUTE, "spec.rules[].retry.attempts").in_target


def test_cors_is_standard_since_1_5():
    path = "spec.rules[].filters[].type"
    assert target().enum_value("HTTPRoute", path, "CORS").in_target
    before = target("1.30", "1.4").enum_value("HTTPRoute", path, "CORS")
    assert (before.in_target, before.standard_since, before.experimental_since) == (False, "1.5", "1.3")
    assert target("1.30", "1.4").enum_value("HTTPRoute", path, "RequestMirror").in_target


def test_fields_that_were_removed_say_so():
    gone = target().field(Kind.K8S_GATEWAY, "spec.listeners[].tls.frontendValidation")
    now = "spec.tls.frontend.default.validation or spec.tls.frontend.perPort[].tls.validation"
    assert (gone.in_target, gone.removed_after, gone.since) == (False, "1.3", f"removed after Gateway API 1.3, now {now}")
    assert target().field(Kind.K8S_GATEWAY, "spec.backendTLS").renamed_to == "spec.tls.backend.clientCertificateRef"
    assert target().field(Kind.BACKEND_TLS_POLICY, "spec.tls").since == "removed after Gateway API 1.0, now spec.validation"


def test_plain_fields_are_there():
    assert target().field(Kind.HTTP_ROUTE, "spec.rules[].matches[].path").in_target
    assert target().field(Kind.HTTP_ROUTE, "spec.rules[].timeouts").standard_since == "1.2"


def test_backend_tls_policy():
    assert target("1.28", "1.4").route("BackendTLSPolicy").usable
    assert target("1.27", "1.4").route("BackendTLSPolicy").codes == ("version-not-served", "needs-flag")
    assert target("1.28", "1.3", "experimental").route("BackendTLSPolicy").codes == ("version-not-served", "crd-below-minimum")
    assert target("1.25", "1.3", "experimental").route("BackendTLSPolicy").codes == ("not-read",)


def test_listener_sets():
    assert target().route(Kind.LISTENER_SET).usable
    assert target("1.29", "1.5").route(Kind.LISTENER_SET).codes == ("not-read",)
    assert target("1.30", "1.4").route(Kind.LISTENER_SET).codes == ("not-in-release",)
    assert target("1.29", "1.4", "experimental").route(Kind.X_LISTENER_SET).codes == ("needs-flag",)
    assert target("1.30", "1.5", "experimental").route(Kind.X_LISTENER_SET).codes == ("removed", "not-read")


def test_grpcroute():
    assert target().route(Kind.GRPC_ROUTE).usable
    assert standard_since("GRPCRoute") == "1.1"
    assert target("1.24", "1.0", "experimental").route(Kind.GRPC_ROUTE).codes == ("version-not-served", "crd-below-minimum")
    assert target("1.21", "1.1", "experimental").route(Kind.GRPC_ROUTE).codes == ("needs-flag",)


def test_kinds_by_group():
    assert target().serves(Kind.GATEWAY) == ("v1", "v1beta1", "v1alpha3")
    assert target().serves(Kind.K8S_GATEWAY) == target().serves("Gateway") == ("v1", "v1beta1")
    assert target("1.20").serves(Kind.VIRTUAL_SERVICE) == ("v1beta1", "v1alpha3")
    assert target("1.29").serves(Kind.TRAFFIC_EXTENSION) == ()
    assert target("1.31").serves(Kind.TRAFFIC_EXTENSION) != ()
    assert target().route("NoSuchRoute").codes == ("unknown-kind",)


def test_fixed_in_lists_go_by_minor():
    fixed = ("1.28.6", "1.29.2", "1.30.0")
    answers = {
        istio: target(istio).istio_at_least(*fixed)
        for istio in ("1.27", "1.28.5", "1.28.6", "1.28", "1.29.1", "1.29", "1.30", "1.31")
    }
    assert answers == {
        "1.27": False,
        "1.28.5": False,
        "1.28.6": True,
        "1.28": True,
        "1.29.1": False,
        "1.29": True,
        "1.30": True,
        "1.31": True,
    }
    assert not target("1.29").istio_at_least("1.28.6", "1.30.0")
    assert target("1.29").istio_at_least("1.27.4", "1.28.0")
    assert target().istio_at_least("1.30") and not target("1.29").istio_at_least("1.30")


def test_gateway_api_at_least():
    assert target().gateway_api_at_least("1.5") and target().gateway_api_at_least("1.5.1")
    assert not target().gateway_api_at_least("1.6")
    assert not target("1.30", "1.5.0").gateway_api_at_least("1.5.1")


def test_experimental_fields_list_what_the_channel_lacks():
    lacking = {(field.path, field.value) for field in target().experimental_fields(Kind.HTTP_ROUTE)}
    assert ("spec.rules[].retry", None) in lacking
    assert ("spec.rules[].filters[].type", "ExternalAuth") in lacking
    assert ("spec.rules[].filters[].cors", None) not in lacking
    assert ("spec.rules[].filters[].cors", None) in {
        (f.path, f.value) for f in target("1.30", "1.4").experimental_fields("HTTPRoute")
    }
    assert not any(path.startswith("status") for path, _ in lacking)
    assert target("1.30", "1.4").experimental_fields(Kind.TLS_ROUTE) == ()
    newest = target("1.30", "1.6", "experimental").experimental_fields(Kind.HTTP_ROUTE)
    assert [(field.path, field.removed_after) for field in newest] == [("spec.rules[].sessionPersistence.idleTimeout", "1.5")]


def test_what_istiod_implements():
    assert target().reads("HTTPRoute", "spec.rules[].retry") is True
    assert target("1.24").reads("HTTPRoute", "spec.rules[].retry") is False
    assert target().reads("HTTPRoute", "spec.rules[].sessionPersistence") is False
    assert target("1.24").reads("GRPCRoute", "spec.rules[].filters[].requestMirror.fraction") is True
    assert target().reads("HTTPRoute", "spec.rules[].name") is None
    assert "CORS" in target("1.26").filters("HTTPRoute") and "CORS" not in target("1.25").filters("HTTPRoute")
    assert "RequestMirror" not in target().filters("HTTPRoute", backend=True)
    assert "istio-waypoint" in target().gateway_classes()
    assert target("1.29").listener_gated("TLS") and not target("1.30").listener_gated("TLS")


def test_feature_defaults():
    assert target().feature("PILOT_ENABLE_ALPHA_GATEWAY_API") == "false"
    assert target("1.21").feature("PILOT_ENABLE_HBONE") == "false"
    assert target("1.22").feature("PILOT_ENABLE_HBONE") is None
    assert target().feature("NO_SUCH_FLAG") is None


def test_every_retired_kind_has_its_entry_in_the_tables_and_no_other_has():
    assert {f"{kind.group}/{kind.kind}" for kind in RETIRED_KINDS} == set(facts.istio()["retired"])
    assert all(Target.retired(kind) is None for kind in ISTIO_KINDS)
    assert Target.retired(Kind.OLD_SERVICE_ROLE) == ("1.5", ("AuthorizationPolicy",))
