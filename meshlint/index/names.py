"""Pure functions on host names, selectors and exportTo (Istio: virtual-service.proto, destination-rule.proto)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from meshlint.model.node import Node


def qualified(written: str, namespace: str, domain: str) -> str:
    """The full name of a host: Istio completes only names without a dot, with the namespace of the object."""
    name = written.lower().rstrip(".")
    if "." in name or name.startswith("*") or not name:
        return name
    return service_key(name, namespace, domain)


def service_key(name: str, namespace: str, domain: str) -> str:
    """The full name of a Service, by which hosts are compared."""
    return f"{name}.{namespace}.svc.{domain}"


def service_of(fqdn: str) -> tuple[str, str] | None:
    """(namespace, name) of a name of the form name.namespace.svc.domain; None for any other."""
    parts = fqdn.split(".")
    if len(parts) < 5 or parts[2] != "svc" or "*" in parts[0] + parts[1]:
        return None
    return parts[1], parts[0]


@lru_cache(maxsize=10_000)
def anywhere(fqdn: str) -> str:
    """The name of a Service without its namespace, as Services are called whose namespace is not told; others unchanged."""
    place = service_of(fqdn)
    return fqdn if place is None else f"{place[1]}..{fqdn.split('.', 2)[2]}"


def may_be(one: str, other: str) -> bool:
    """Can two full names be one host? They can if they differ only by a namespace that one of them does not tell."""
    return one == other or ((".." in one or ".." in other) and anywhere(one) == anywhere(other))


def partial_service(written: str) -> tuple[str, str] | None:
    """(namespace, name) if a name has the form name.namespace or name.namespace.svc, which Istio does not complete."""
    parts = written.lower().split(".")
    if len(parts) == 2 or (len(parts) == 3 and parts[2] == "svc"):
        return (parts[1], parts[0]) if all(parts) and "*" not in written else None
    return None


def matches(pattern: str, host: str) -> bool:
    """Does a host pattern (`*`, `*.suffix` or an exact name) take the host?"""
    if pattern == host or pattern == "*":
        return True
    return pattern.startswith("*.") and host.endswith(pattern[1:])


def patterns_of(host: str) -> Iterator[str]:
    """The patterns that take a host (or a pattern that is asked for): itself, `*.` and each of its suffixes, `*`."""
    yield host
    at = host.find(".")
    while at >= 0:
        if (pattern := f"*{host[at:]}") != host:
            yield pattern
        at = host.find(".", at + 1)
    if host != "*":
        yield "*"


def visible(exported: Node, owner: str, reader: str) -> bool:
    """May a namespace read an object of namespace `owner` with this exportTo? Unknown namespaces may."""
    if not exported.is_list or not exported.value or not reader or not owner:
        return True
    values = [node.text for node in exported.each()]
    if None in values or "*" in values or reader in values:
        return True
    return owner == reader and "." in values


def takes(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Are all pairs of the selector among the labels?"""
    return all(labels.get(key) == value for key, value in selector.items())


def texts(nodes: Iterable[Node]) -> list[str]:
    """The texts of scalars, without those that have none."""
    return [node.text for node in nodes if node.text]
