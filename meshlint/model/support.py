"""Answers of a target: what it says about a field and about a kind."""

from __future__ import annotations

from meshlint.model.tuples import NamedTuple


class Field(NamedTuple):
    """A field or enum value of a Gateway API kind in the target's release and channel.

    `path` is written with [] for list items and {} for map values: spec.rules[].retry. The releases are minors of
    Gateway API; a field that was always there has those of its kind. `removed_after`: the last release that had it.
    """

    kind: str
    path: str
    value: str | None
    in_target: bool
    standard_since: str | None
    experimental_since: str | None
    removed_after: str | None
    newest: str
    renamed_to: str | None = None

    @property
    def since(self) -> str:
        """For a message: standard since Gateway API 1.5."""
        if self.removed_after:
            return f"removed after Gateway API {self.removed_after}{f', now {self.renamed_to}' if self.renamed_to else ''}"
        if self.standard_since:
            return f"standard since Gateway API {self.standard_since}"
        if self.experimental_since:
            return f"experimental since Gateway API {self.experimental_since}, not standard up to {self.newest}"
        return f"in no Gateway API release up to {self.newest}"


class Reason(NamedTuple):
    """Why a kind does not work: a machine code and a sentence without its full stop.

    Codes: unknown-kind, not-in-release, removed, not-in-channel (what the bundle has); not-read, version-not-served,
    needs-flag, crd-below-minimum, crd-above-maximum, not-converted (what istiod does with it).
    """

    code: str
    text: str


class Support(NamedTuple):
    """Does a Gateway API kind work on the target? `served`: by the bundle; `watched`: what istiod reads."""

    kind: str
    usable: bool
    reasons: tuple[Reason, ...]
    served: tuple[str, ...]
    watched: str | None

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(reason.code for reason in self.reasons)

    @property
    def text(self) -> str:
        """All reasons in one sentence without its full stop, empty where it works."""
        return "; ".join(reason.text for reason in self.reasons)

    def __bool__(self) -> bool:
        return self.usable


class Retired(NamedTuple):
    """A kind that no known release has: the last Istio release that read it, and what took its place."""

    last: str
    instead: tuple[str, ...]
