"""Where the mesh goes: releases of Istio and Gateway API, and what they can do. The facts are in schemas/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from meshlint import facts
from meshlint.model.fields import absent, field_in, find
from meshlint.model.history import (
    FLAG,
    KindName,
    experimental_since,
    kind_name,
    read_since,
    read_when,
    removed_after,
    standard_since,
)
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.support import Field, Reason, Retired, Support
from meshlint.model.tuples import NamedTuple
from meshlint.model.version import Version

__all__ = [
    "Current", "Field", "KindName", "Reason", "Retired", "Support", "Target", "TargetError", "Version", "experimental_since",
    "read_since", "resolve_target", "standard_since",
]  # fmt: skip

_KEYS = ("istio", "gateway-api", "channel", "distribution")
_CHOICES = {"channel": ("standard", "experimental"), "distribution": ("upstream", "solo")}
_OLDEST_CURRENT = Version(1, 24)  # an older mesh is one to upgrade: ambient is not generally available there


class Target(NamedTuple):
    """The mesh that findings are judged against. `channel` and `gateway_api` are those of the Gateway API CRDs.

    `detected_from` tells for istio, gateway_api, channel and distribution where the value comes from: --target,
    configuration, path:line, or default. `alpha_flag`: the repository sets PILOT_ENABLE_ALPHA_GATEWAY_API=true.
    """

    istio: Version
    gateway_api: Version
    channel: str = "standard"
    distribution: str = "upstream"
    detected_from: Mapping[str, str] = {}
    alpha_flag: bool = False

    def __str__(self) -> str:
        solo = " (Solo)" if self.distribution == "solo" else ""
        return f"Istio {self.istio}{solo}, Gateway API {self.gateway_api} {self.channel}"

    # releases
    @property
    def istio_tag(self) -> str:
        """With the patch; a minor alone means its last known patch: "1.30.3"."""
        return str(self.istio) if self.istio.patch is not None else str(facts.compat()["releases"][self.istio.release]["tag"])

    @property
    def bundle(self) -> str:
        """The bundle-version of the Gateway API CRDs without its v; a minor alone means its last known patch: "1.5.1"."""
        if self.gateway_api.patch is not None:
            return str(self.gateway_api)
        return str(facts.gateway_api()["releases"][self.gateway_api.release]["bundle"]).lstrip("v")

    @staticmethod
    def bundle_of(release: str) -> str:
        """The last bundle-version that the tables know of a release of Gateway API: "v1.5.1" of "1.5"; empty where they know none."""
        return str(facts.gateway_api()["releases"].get(release, {}).get("bundle", ""))

    def istio_at_least(self, *versions: str) -> bool:
        """Has it what came with these releases? Several are the patches of several minors ("1.28.6", "1.29.2", "1.30.0"):
        the one of the target's minor decides; a minor above all of them has it, one that is not listed has not."""
        return _reaches(self.istio_tag, versions)

    @staticmethod
    def ambient_stable(release: Version) -> bool:
        """Is ambient generally available in an Istio release?"""
        return release[:2] >= _OLDEST_CURRENT[:2]

    @staticmethod
    def maintained(release: Version) -> bool:
        """May an Istio release still get fixes, going by the newest that the tables know? The two before it may, older ones not."""
        newest = facts.order(facts.compat()["newest"])
        return release.major > newest[0] or release.minor >= newest[1] - 2

    def gateway_api_at_least(self, version: str) -> bool:
        return facts.order(self.bundle) >= facts.order(version)

    # kinds
    def serves(self, kind: KindName) -> tuple[str, ...]:
        """The versions that the target's CRDs serve: of a Gateway API kind in its channel, else of an Istio kind.
        The name Gateway alone is that of Gateway API."""
        name = kind_name(kind)
        if not _istio_kind(kind):
            return facts.served(name, self.gateway_api.release, self.channel)
        return tuple(facts.istio()["releases"][self.istio.release]["kinds"].get(name, ()))

    def served_since(self, kind: Kind, version: str | None = None) -> str | None:
        """The first Istio release that serves an Istio kind (in that version), previews included; None: no known release does."""
        for release in facts.releases(facts.istio()):
            served = facts.istio()["releases"][release]["kinds"].get(kind.kind, ())
            if served if version is None else version in served:
                return release
        return None

    @staticmethod
    def retired(kind: Kind) -> Retired | None:
        """What became of an Istio kind that went before the releases that the tables know; None: of any other."""
        found = facts.istio()["retired"].get(f"{kind.group}/{kind.kind}")
        return None if found is None else Retired(found["last"], tuple(found["instead"]))

    def deprecated(self, kind: Kind) -> tuple[str, ...]:
        """The versions of a Gateway API kind that the target's CRDs serve and mark as deprecated."""
        entry = facts.gateway_api()["releases"][self.gateway_api.release]["kinds"].get(kind.kind, {}).get(self.channel, {})
        return tuple(version for version in entry.get("deprecated", ()) if version in entry["served"])

    def watches(self, kind: KindName) -> str | None:
        """The version of a Gateway API kind that istiod reads; None: it does not read the kind."""
        found = facts.compat()["releases"][self.istio.release]["watched"].get(kind_name(kind))
        return None if found is None else str(found)

    def alpha_gated(self, kind: KindName) -> bool:
        """Does istiod read the kind only with PILOT_ENABLE_ALPHA_GATEWAY_API=true?"""
        return kind_name(kind) in facts.compat()["releases"][self.istio.release]["alphaGatedKinds"]

    @property
    def terminated_tls_takes_tls_routes(self) -> bool:
        """Does a TLS listener of mode Terminate take TLSRoutes beside TCPRoutes (istio generateSupportedKinds, from 1.30)?"""
        return self.istio_at_least("1.30.0")

    def listener_gated(self, protocol: str) -> bool:
        """Does a Gateway listener of the protocol (TCP, TLS) need the same flag?"""
        return protocol in facts.compat()["releases"][self.istio.release]["alphaGatedListenerProtocols"]

    def crd_bounds(self, kind: KindName) -> tuple[str | None, str | None]:
        """The lowest and the highest bundle-version of the kind's CRD that istiod accepts, both included; it drops others."""
        plural = facts.gateway_api()["kinds"].get(kind_name(kind), {}).get("plural")
        release = facts.compat()["releases"][self.istio.release]
        ranges = release.get("crdBoundsByPatch")
        bounds = facts.by_patch(ranges, self.istio_tag) if ranges else {"min": release["crdMin"], "max": release["crdMax"]}
        return bounds["min"].get(plural), bounds["max"].get(plural)

    def route(self, kind: KindName) -> Support:
        """Does a Gateway API kind (a route or any other) work on the target, and if not, why?"""
        name = kind_name(kind)
        reasons = tuple(self._reasons(name))
        return Support(name, not reasons, reasons, self.serves(name), self.watches(name))

    def _reasons(self, kind: str) -> Iterator[Reason]:
        if kind not in facts.gateway_api()["kinds"]:
            yield Reason("unknown-kind", f"{kind} is no kind of Gateway API up to {facts.gateway_api()['newest']}")
            return
        if not self.serves(kind):
            yield self._missing(kind)
        watched = self.watches(kind)
        if watched is None:
            yield Reason("not-read", f"Istio {self.istio} does not read {kind} ({read_when(kind)})")
            return
        if self.serves(kind) and watched not in self.serves(kind):
            yield self._other_version(kind, watched)
        if self.alpha_gated(kind) and not self.alpha_flag:
            stable = read_since(kind)
            text = f"Istio {self.istio} reads {kind} only with {FLAG}=true"
            yield Reason("needs-flag", f"{text} (without it since {stable})" if stable else text)
        yield from self._dropped(kind)
        if kind in facts.compat()["notConverted"]:
            yield Reason("not-converted", f"Istio {self.istio} turns no {kind} into configuration")

    def _other_version(self, kind: str, watched: str) -> Reason:
        served = self.serves(kind)
        text = f"Istio {self.istio} reads {kind} {watched}, the {self._channel} serves {' and '.join(served)}"
        later = [f"{version} since Istio {since}" for version in served if (since := read_since(kind, version))]
        return Reason("version-not-served", f"{text} ({', '.join(later)})" if later else text)

    @property
    def _channel(self) -> str:
        return f"{self.channel} channel of Gateway API {self.gateway_api}"

    def _missing(self, kind: str) -> Reason:
        """Why the target's bundle does not serve a kind."""
        if facts.served(kind, self.gateway_api.release, "experimental"):
            since = standard_since(kind)
            when = f"standard since {since}" if since else f"not standard up to {facts.gateway_api()['newest']}"
            return Reason("not-in-channel", f"{kind} is not in the {self._channel} ({when})")
        gone = removed_after(kind)
        if gone and facts.order(gone) < facts.order(self.gateway_api.release):
            return Reason("removed", f"{kind} was removed from Gateway API after {gone}")
        return Reason("not-in-release", f"{kind} is not in Gateway API {self.gateway_api} (since {experimental_since(kind)})")

    def _dropped(self, kind: str) -> Iterator[Reason]:
        lowest, highest = self.crd_bounds(kind)
        here = facts.order(self.bundle)
        said = f"Istio {self.istio_tag} drops the CRD of {kind}"
        if lowest and here < facts.order(lowest):
            yield Reason("crd-below-minimum", f"{said} below {lowest}, the target has {self.bundle}")
        if highest and here > facts.order(highest):
            yield Reason("crd-above-maximum", f"{said} above {highest}, the target has {self.bundle}")

    # fields
    def field(self, kind: KindName, path: str) -> Field:
        """Is a field of a Gateway API kind in the target's release and channel, and since when? A path that no release
        knows counts as there from the start: the field index, not this, says which fields exist."""
        return field_in(self.gateway_api.release, self.channel, kind_name(kind), path)

    def enum_value(self, kind: KindName, path: str, value: str) -> Field:
        """The same for a value: spec.rules[].filters[].type, CORS."""
        return field_in(self.gateway_api.release, self.channel, kind_name(kind), path, value)

    def experimental_fields(self, kind: KindName) -> tuple[Field, ...]:
        """Every field and enum value of spec that some release has and the target's release and channel lacks; none
        of a kind that is not served at all. What stands below a listed field is not listed beside it."""
        return absent(self.gateway_api.release, self.channel, kind_name(kind))

    def lacks(self, resource: Resource) -> Iterator[tuple[Node, Field]]:
        """The fields and values of an object that the target's release and channel do not have, with their places."""
        for field in self.experimental_fields(resource.kind):
            for node in find(resource.root, field):
                yield node, field

    # what istiod makes of it
    def reads(self, kind: KindName, path: str) -> bool | None:
        """Does istiod's converter look at a field? None: the tables do not say."""
        written = f"{kind_name(kind)}.{path}"
        tables = facts.compat()
        if written in tables["neverRead"]:
            return False
        forms = {written, *(f"*.{path[at:]}" for at in range(len(path)) if at == 0 or path[at - 1] == ".")}
        if not any(forms & set(release["code"]["reads"]) for release in tables["releases"].values()):
            return None
        return bool(forms & set(tables["releases"][self.istio.release]["code"]["reads"]))

    def filters(self, kind: KindName, backend: bool = False) -> tuple[str, ...]:
        """The filter types that istiod implements on the rules of HTTPRoute or GRPCRoute, or on their backendRefs; it refuses others."""
        key = f"{kind_name(kind)}.backendRefs" if backend else kind_name(kind)
        return tuple(facts.compat()["releases"][self.istio.release]["code"]["filters"].get(key, ()))

    def gateway_classes(self) -> tuple[str, ...]:
        """The GatewayClasses that istiod brings."""
        return tuple(facts.compat()["releases"][self.istio.release]["gatewayClasses"])

    def feature(self, flag: str) -> str | None:
        """The default of a variable of istiod's environment as text; None where the release does not know it."""
        changes = facts.compat()["features"].get(flag, {})
        past = [release for release in changes if facts.order(release) <= facts.order(self.istio.release)]
        found = changes[max(past, key=facts.order)] if past else None
        return None if found is None else str(found)

    def since(self, kind: KindName) -> str:
        """For a message: standard since Gateway API 1.5, read as v1 since Istio 1.30."""
        name = kind_name(kind)
        standard = standard_since(name)
        newest = facts.gateway_api()["newest"]
        return f"{f'standard since Gateway API {standard}' if standard else f'not standard up to Gateway API {newest}'}, {read_when(name)}"


@lru_cache(1 << 12)  # every rule asks this of every object
def _reaches(tag: str, versions: tuple[str, ...]) -> bool:
    here = facts.order(tag)
    listed = [facts.order(version) for version in versions]
    return here[:2] > max(listed)[:2] or any(here[:2] == there[:2] and here >= there for there in listed)


def _istio_kind(kind: KindName) -> bool:
    if isinstance(kind, Kind):
        return kind.group.endswith(".istio.io")
    return kind not in facts.gateway_api()["kinds"]


class TargetError(ValueError):
    """What was asked for as the target cannot be one."""


class Current(NamedTuple):
    """What the repository says it runs; `sources` tells where, by istio, gateway_api, channel and distribution: path:line."""

    istio: Version | None = None
    gateway_api: Version | None = None
    channel: str | None = None
    sources: Mapping[str, str] = {}
    distribution: str | None = None
    alpha_flag: bool = False


def resolve_target(spec: str | Mapping[str, str] | None = None, current: Current | None = None, said: str = "--target") -> Target:
    """The target: what was asked for, else what the repository runs (from Istio 1.24 on), else the newest stable release.

    `spec` may leave parts out: istio=1.30,gateway-api=1.5,channel=standard,distribution=upstream. `said` names where
    it was asked for. Without a known bundle, Gateway API is the release that the Istio release is built against.
    """
    asked = _asked(spec)
    current = current or Current()
    origin = dict.fromkeys(asked, said)
    running = current.istio if current.istio is not None and current.istio[:2] >= _OLDEST_CURRENT[:2] else None
    istio = _release("istio", asked.get("istio"), running, facts.compat(), current, origin)
    default = Version.parse(facts.compat()["releases"][istio.release]["gatewayApiMinor"])
    gateway_api = _release(
        "gateway-api", asked.get("gateway-api"), current.gateway_api, facts.gateway_api(), current, origin, default
    )
    channel = _choice("channel", asked, current.channel, current, origin)
    distribution = _choice("distribution", asked, current.distribution, current, origin)
    return Target(istio, gateway_api, channel, distribution, {_field_name(key): origin[key] for key in _KEYS}, current.alpha_flag)


def _field_name(key: str) -> str:
    return key.replace("-", "_")


def _asked(spec: str | Mapping[str, str] | None) -> dict[str, str]:
    """The parts of a target specification, each known and of a known value."""
    if isinstance(spec, str):
        pairs = [part.partition("=") for part in spec.split(",") if part.strip()]
        spec = {key.strip(): value.strip() for key, _, value in pairs}
    asked = {key: value for key, value in (spec or {}).items() if value is not None}
    for key, value in asked.items():
        if key not in _KEYS:
            raise TargetError(f"a target has no {key!r}: write {', '.join(f'{name}=...' for name in _KEYS)}")
        if not isinstance(value, str) or not value:
            raise TargetError(f'the target\'s {key} is text, such as {key} = "{_example(key)}"')
        if value not in _CHOICES.get(key, (value,)):
            raise TargetError(f"the target's {key} is {' or '.join(_CHOICES[key])}, not {value!r}")
        release, _, word = value.partition("-")
        for name, choices in _CHOICES.items():
            if word in choices and key not in _CHOICES:
                raise TargetError(f"the target's {name} is a part of its own: {key}={release},{name}={word}, not {key}={value}")
    return asked


def _example(key: str) -> str:
    return _CHOICES[key][0] if key in _CHOICES else str((facts.compat() if key == "istio" else facts.gateway_api())["newest"])


def _release(
    key: str,
    asked: str | None,
    running: Version | None,
    table: dict[str, Any],
    current: Current,
    origin: dict[str, str],
    default: Version | None = None,
) -> Version:
    """One of the two releases; `origin` is told where it comes from."""
    if asked is not None:
        return _known(key, asked, table)
    if running is not None:
        origin[key] = current.sources.get(_field_name(key), "repository")
        if running.release in table["releases"]:
            return running
        nearest = _nearest(running, table)
        origin[key] += f" ({running} is not in the tables: judged as {nearest})"
        return nearest
    origin[key] = "default"
    return default or Version.parse(table["newest"])


def _known(key: str, text: str, table: dict[str, Any]) -> Version:
    version = Version.find(text)
    if version is not None and version.release in table["releases"]:
        return version
    name = {"istio": "Istio", "gateway-api": "Gateway API"}[key]
    releases = facts.releases(table)
    previews = [release for release in releases if facts.order(release) > facts.order(table["newest"])]
    known = f"{releases[0]} to {table['newest']}{f', and {previews[0]} as a preview' if previews else ''}"
    raise TargetError(
        f"{name} {text} is not a release that meshlint knows: {known} (with or without a patch, such as {table['newest']}.0)"
    )


def _nearest(version: Version, table: dict[str, Any]) -> Version:
    """The known release next to one that is not known: the oldest for an older one, the newest (previews too) for a newer one."""
    releases = facts.releases(table)
    return Version.parse(releases[0] if facts.order(version.release) < facts.order(releases[0]) else releases[-1])


def _choice(key: str, asked: Mapping[str, str], running: str | None, current: Current, origin: dict[str, str]) -> str:
    if key in asked:
        return asked[key]
    if running in _CHOICES[key]:
        origin[key] = current.sources.get(_field_name(key), "repository")
        return str(running)
    origin[key] = "default"
    return _CHOICES[key][0]
