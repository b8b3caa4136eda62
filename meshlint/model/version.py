"""Release numbers of Istio and Gateway API."""

from __future__ import annotations

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.tuples import NamedTuple

_FORM = lazy_regex(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[-+.][0-9A-Za-z.+_-]*)?")


class Version(NamedTuple):
    """A release: a minor where `patch` is None. What follows a dash (rc, solo, distroless) is not kept."""

    major: int
    minor: int
    patch: int | None = None

    @staticmethod
    def parse(text: str) -> Version:
        """From "1.30", "v1.28.6", "1.30.0-rc.0"; anything else is a ValueError."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a version: write 1.30 or 1.30.3")
        major, minor, patch = match.groups()
        return Version(int(major), int(minor), None if patch is None else int(patch))

    @staticmethod
    def find(text: str) -> Version | None:
        """Like parse, None where the text is no version."""
        try:
            return Version.parse(text)
        except ValueError:
            return None

    @property
    def order(self) -> tuple[int, int, int]:
        """To compare by: versions themselves do not compare where one has no patch (it counts as 0 here)."""
        return (self.major, self.minor, self.patch or 0)

    @property
    def release(self) -> str:
        """The minor as the tables name it: "1.30"."""
        return f"{self.major}.{self.minor}"

    def __str__(self) -> str:
        return self.release if self.patch is None else f"{self.release}.{self.patch}"
