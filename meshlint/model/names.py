"""Names that people mistype."""

from __future__ import annotations

from collections.abc import Iterable


def close_name(written: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; None where none is close."""
    from difflib import get_close_matches

    found = get_close_matches(written, sorted(set(known)), n=1, cutoff=0.7)
    return found[0] if found else None


def slip_of(written: str, known: Iterable[str]) -> str | None:
    """The known name that is written with one slip of the pen: a letter too many or too few, a wrong one, or two swapped. Digits,
    and letters that stand alone between dashes, tell names apart on purpose."""
    return next((name for name in sorted(set(known)) if _slips(written, name) or _slips(name, written)), None)


def _slips(one: str, other: str) -> bool:
    """Is `other` made of `one` by one slip, at least as long?"""
    at = next((index for index, (here, there) in enumerate(zip(one, other, strict=False)) if here != there), min(len(one), len(other)))
    if one == other or len(one) > len(other) or len(one) < 3:
        return False
    if one[at:] == other[at + 1 :]:
        return _is_letter(other, at)
    if one[at + 1 :] == other[at + 1 :]:
        return _is_letter(one, at) and _is_letter(other, at)
    return one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]


def _is_letter(name: str, at: int) -> bool:
    """A letter, and not all of what stands between two dashes?"""
    return name[at].isalpha() and not (name[at - 1 : at] in ("", "-") and name[at + 1 : at + 2] in ("", "-"))
