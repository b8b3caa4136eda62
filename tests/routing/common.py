"""Requests, and what becomes of them, in words that both APIs share."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, NamedTuple

_UNITS = {"h": 3600_000, "m": 60_000, "s": 1000, "ms": 1}


class Request(NamedTuple):
    """`port` is where it comes in; header names in lower case."""

    path: str = "/"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    host: str = "reviews"
    port: int = 9080

    @property
    def header(self) -> dict[str, str]:
        return dict(self.headers)

    @property
    def parameters(self) -> dict[str, str]:
        return dict(self.query)


class Endpoint(NamedTuple):
    """Who gets a request: the labels of the pods and the port they listen on, with the policy for connections to them."""

    labels: tuple[tuple[str, str], ...]
    port: object
    policy: str
    headers: str = ""


class Answer(NamedTuple):
    """`shares` are the parts of requests by endpoint. `path` and `host` are what the endpoint sees; `redirect` is an answer."""

    shares: tuple[tuple[Endpoint, Fraction], ...] = ()
    path: str = ""
    host: str = ""
    redirect: str = ""
    headers: str = ""
    mirrors: tuple[tuple[Endpoint, Fraction], ...] = ()
    timeout: int = 0
    each: int = 0
    retry: str = ""


NOT_FOUND = Answer(path="404")
DEFAULT_RETRY = "2 on cancelled,connect-failure,refused-stream,unavailable,503"


def millis(text: str | None) -> int:
    if not text:
        return 0
    return int(sum(Fraction(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", text)))


def operations(headers: dict[str, Any]) -> str:
    """Header changes as one text, in which order and case of names do not count."""
    out = []
    for side in ("request", "response"):
        changes = headers.get(side) or {}
        for verb in ("set", "add"):
            out += [f"{side} {verb} {name.lower()}={value}" for name, value in (changes.get(verb) or {}).items()]
        out += [f"{side} remove {name.lower()}" for name in changes.get("remove") or ()]
    return "; ".join(sorted(out))


def spread(parts: list[tuple[Endpoint, int]]) -> tuple[tuple[Endpoint, Fraction], ...]:
    """Weights as parts of all requests."""
    total = sum(weight for _, weight in parts)
    out: dict[Endpoint, Fraction] = {}
    for endpoint, weight in parts:
        if weight:
            out[endpoint] = out.get(endpoint, Fraction(0)) + Fraction(weight, total)
    return tuple(sorted(out.items()))
