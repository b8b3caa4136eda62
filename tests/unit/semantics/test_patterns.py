"""Patterns of rules as data: the same answers as `re` where both know the form, and linear work where `re` takes for ever."""

from __future__ import annotations

import random
import re

import pytest

from meshlint.semantics.patterns import LONGEST, Budget, LimitError, Pattern, PatternError


def search(pattern: str, text: str) -> bool:
    return Pattern(pattern).search(text, Budget())


def _made(chance: random.Random, depth: int) -> str:
    kind = chance.random()
    if depth == 0 or kind < 0.35:
        return chance.choice(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\S", "[a-c1]", "-", r"\.", "[-x]", r"[\d.]", "(?:ab)"])
    if kind < 0.55:
        return _made(chance, depth - 1) + _made(chance, depth - 1)
    if kind < 0.7:
        return f"({_made(chance, depth - 1)}|{_made(chance, depth - 1)})"
    if kind < 0.9:
        return f"({_made(chance, depth - 1)}){chance.choice(['*', '+', '?', '{2}', '{0,2}', '{1,}', '{0}', '*?', '{1}'])}"
    return chance.choice(["^", "$"]) + _made(chance, depth - 1)


@pytest.mark.parametrize("seed", range(4))
def test_it_matches_as_re_does(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(1000):
        pattern = _made(chance, 4)
        text = "".join(chance.choice("abc1 -.x") for _ in range(chance.randrange(8)))
        expected = re.search(pattern.replace("$", r"\Z"), text) is not None
        assert search(pattern, text) is expected, (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^(a+)+$", "a" * 5_000 + "!"),
        (r"^(a|aa)+$", "a" * 5_000 + "!"),
        (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 5_000),
        (r"(.*a){12}$", "b" * 5_000),
        (r"^(\w+\s?)*$", "word " * 1_000 + "!"),
    ],
)
def test_work_is_linear_in_the_text(pattern: str, text: str) -> None:
    def work(of: str) -> int:
        budget = Budget()
        Pattern(pattern).search(of, budget)
        return Budget().left - budget.left

    assert work(text + text) <= 2.2 * work(text) < 1_000_000


def test_work_ends() -> None:
    budget = Budget(10_000)
    with pytest.raises(LimitError, match="more work than a run allows"):
        Pattern("(a|b)*c").search("ab" * 10_000, budget)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(a", "a group is not closed"),
        ("a)", "unmatched ')'"),
        ("*a", "nothing to repeat"),
        ("a**", "nothing to repeat"),
        ("a{2}{3}", "nothing to repeat"),
        ("[a", "it ends too early"),
        ("[b-a]", "runs backwards"),
        ("a{3,2}", "runs backwards"),
        ("a{x}", "must begin a number"),
        (r"(a)\1", r"\1 is not supported"),
        ("(?=a)", "look-around"),
        ("(?i)a", "flags"),
        (r"\p{L}", r"\p is not supported"),
        (r"\x1", "hexadecimal"),
        ("a{9999}", "more than 2000 states"),
        ("((a{99}){99}){99}", "more than 2000 states"),
        ("(" * 60 + ")" * 60, "nested too deeply"),
        ("a" * (LONGEST + 1), "longer than"),
    ],
)
def test_what_is_no_pattern(pattern: str, said: str) -> None:
    with pytest.raises(PatternError, match=re.escape(said)):
        Pattern(pattern)


def test_escapes_and_classes() -> None:
    assert search(r"^\u0061\x62\n$", "ab\n")
    assert search(r"[\b]", "\b") and search(r"[^\d]", "a") and not search(r"^[^\D]$", "a") and search(r"^[\W_]$", "_")
    assert search("", "") and search("^$", "") and not search("^$", "a") and not search("a$", "a\n")
    assert search("{", "{") and search(r"\{2}", "{2}")
