"""Which target is taken: what was asked for, else what runs, else the newest stable release."""

import pytest

from meshlint.model.target import Current, Target, TargetError, Version, resolve_target


def test_default_is_the_newest_stable_release_with_its_own_gateway_api():
    target = resolve_target(None, None)
    assert (str(target.istio), str(target.gateway_api), target.channel, target.distribution) == (
        "1.30",
        "1.5",
        "standard",
        "upstream",
    )
    assert target.detected_from == {"istio": "default", "gateway_api": "default", "channel": "default", "distribution": "default"}
    assert (target.istio_tag, target.bundle) == ("1.30.3", "1.5.1")


def test_a_partial_specification_is_completed():
    assert resolve_target("istio=1.28").gateway_api == Version(1, 4)
    assert resolve_target("channel=experimental").istio == Version(1, 30)
    target = resolve_target({"istio": "1.31", "distribution": "solo"}, said="meshlint.toml:2")
    assert (target.gateway_api, target.distribution, target.detected_from["istio"]) == (Version(1, 6), "solo", "meshlint.toml:2")


def test_what_runs_is_the_target_from_1_24_on():
    sources = {"istio": "istiod/release.yaml:7", "gateway_api": "crds.yaml:9", "channel": "crds.yaml:10"}
    current = Current(Version(1, 27, 3), Version(1, 4, 0), "experimental", sources, alpha_flag=True)
    target = resolve_target(None, current)
    assert (target.istio, target.gateway_api, target.channel, target.alpha_flag) == (
        Version(1, 27, 3),
        Version(1, 4, 0),
        "experimental",
        True,
    )
    assert target.detected_from["istio"] == "istiod/release.yaml:7"
    assert target.detected_from["distribution"] == "default"
    assert resolve_target(None, current._replace(istio=Version(1, 23, 6))).istio == Version(1, 30)
    assert resolve_target(None, current._replace(istio=Version(1, 24, 0))).istio == Version(1, 24, 0)


def test_what_was_asked_for_beats_what_runs():
    current = Current(Version(1, 27), Version(1, 3), "experimental")
    target = resolve_target("istio=1.29,channel=standard", current)
    assert (target.istio, target.gateway_api, target.channel) == (Version(1, 29), Version(1, 3), "standard")


def test_a_running_release_that_is_not_known_is_judged_as_the_next_one():
    target = resolve_target(
        None, Current(Version(1, 40, 2), Version(1, 9, 0), None, {"istio": "a.yaml:1", "gateway_api": "b.yaml:1"})
    )
    assert (target.istio, target.gateway_api) == (Version(1, 31), Version(1, 6))
    assert target.detected_from["istio"] == "a.yaml:1 (1.40.2 is not in the tables: judged as 1.31)"
    assert resolve_target(None, Current(gateway_api=Version(0, 5))).gateway_api == Version(0, 8)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("istio=1.99", "1.20 to 1.30, and 1.31 as a preview"),
        ("istio=2.0", "1.20 to 1.30"),
        ("istio=newest", "Istio newest"),
        ("gateway-api=1.9", "0.8 to 1.6"),
        ("channel=beta", "standard or experimental"),
        ("distribution=other", "upstream or solo"),
        ("gateway-api=1.6-experimental", "gateway-api=1.6,channel=experimental"),
        ("istio=1.28.6-solo", "istio=1.28.6,distribution=solo"),
        ("kubernetes=1.30", "'kubernetes'"),
        ("istio", 'istio = "1.30"'),
        ({"istio": 1.3}, 'istio = "1.30"'),
    ],
)
def test_mistakes_are_explained(spec, said):
    with pytest.raises(TargetError) as raised:
        resolve_target(spec)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.30", (1, 30, None)),
        ("v1.28.6", (1, 28, 6)),
        ("1.31.0-rc.0", (1, 31, 0)),
        ("1.28.6-solo", (1, 28, 6)),
        (" 1.5.1 ", (1, 5, 1)),
        ("1.27-dev", (1, 27, None)),
    ],
)
def test_versions_are_read(text, version):
    assert Version.parse(text) == version


@pytest.mark.parametrize("text", ["", "1", "latest", "1.x", "1.2.3.4.5x y", "1.30/2", "9" * 5000 + ".1"])
def test_other_text_is_no_version(text):
    assert Version.find(text) is None
    with pytest.raises(ValueError, match="not a version"):
        Version.parse(text)


def test_versions_are_compared_by_their_order():
    assert max(Version(1, 28), Version(1, 28, 6), Version(1, 9, 7), key=lambda version: version.order) == Version(1, 28, 6)


def test_versions_and_targets_are_written_as_people_do():
    assert [str(Version(1, 30)), str(Version(1, 28, 6)), Version(1, 28, 6).release] == ["1.30", "1.28.6", "1.28"]
    assert str(Target(Version(1, 30), Version(1, 5), distribution="solo")) == "Istio 1.30 (Solo), Gateway API 1.5 standard"
