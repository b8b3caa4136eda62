"""Plain scalars and keys as Kubernetes takes them."""

import math

import pytest

from meshlint.read.scalars import key_text, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("nUll", "nUll"),
        ("y", True), ("on", True), ("Off", False), ("tRUE", "tRUE"),
        ("0644", 420), ("0o17", 15), ("0x1F", 31), ("0b101", 5), ("1_000", 1000), ("-0", 0), ("+12", 12),
        ("0899", 899.0), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0), ("1.5e-3", 0.0015),
        ("1:30", "1:30"), ("2024-01-01", "2024-01-01"), ("1.2.3", "1.2.3"), ("100m", "100m"), ("-", "-"), (".", "."), ("=", "="),
        ("18446744073709551615", 2**64 - 1), ("18446744073709551616", 2.0**64), ("-9223372036854775808", -(2**63)),
        (".inf", math.inf), ("-.INF", -math.inf),
    ],
)  # fmt: skip
def test_resolve(text: str, value: object) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number() -> None:
    assert math.isnan(resolve(".nan"))


def test_a_number_of_any_length_does_not_stop_reading() -> None:
    assert resolve("9" * 5000) == math.inf
    assert resolve("0x" + "f" * 5000) == "0x" + "f" * 5000


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("y", "true"),
        ("off", "false"),
        ("80", "80"),
        ("0x10", "16"),
        ("1e3", "1000"),
        ("1.5", "1.5"),
        ("null", "null"),
        ("app", "app"),
        ("=", "="),
    ],
)
def test_keys_become_strings(text: str, key: str) -> None:
    assert key_text(text) == key
