"""Texts with more parts than are compared one by one change in places as well."""

from __future__ import annotations

from meshlint.edit.strings import changed


def _made(raw: str, old: str, new: str) -> str:
    cuts = changed(raw, 0, old, new)
    assert cuts is not None
    assert len(cuts) > 1
    for start, end, text in sorted(cuts, reverse=True):
        raw = raw[:start] + text + raw[end:]
    return raw


def test_far_apart_places_of_a_long_text_change_alone() -> None:
    old = " ".join(f"word{number}" for number in range(9_000))
    new = old.replace("word7 ", "word7 and more ").replace("word4000 ", "").replace("word8990", "last")
    raw = '"' + old.replace(" word5000 ", "\n    word5000 ") + '"'
    wanted = '"' + new.replace(" word5000 ", "\n    word5000 ") + '"'
    assert _made(raw, old, new) == wanted


def test_a_long_text_that_ends_otherwise() -> None:
    old = " ".join(f"word{number}" for number in range(6_000))
    new = old.replace("word3 ", "word3, ") + " and so on"
    assert _made(f"'{old}'", old, new) == f"'{new}'"
