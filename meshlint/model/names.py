"""Names that people mistype."""

from __future__ import annotations

from collections.abc import Iterable


def close_name(written: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; None where none is close."""
    from difflib import get_close_matches

    found = get_close_matches(written, sorted(set(known)), n=1, cutoff=0.7)
    return found[0] if found else None
