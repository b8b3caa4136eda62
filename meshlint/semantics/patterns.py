"""Regular expressions in time linear in the text: those of rules as data, which anybody may have written.

The form is what JSON schemas share: literals, `.`, classes, `\\d \\w \\s` and their opposites (ASCII digits and words), groups,
`|`, `* + ?` and `{m,n}`, `^` and `$`. There are no back references, look-around or flags: those are what makes others slow.
"""

from __future__ import annotations

from typing import Final, Union

from meshlint.model.tuples import NamedTuple

LONGEST: Final = 1_000  # characters of a pattern
MOST: Final = 2_000  # states
_DEEPEST: Final = 50  # groups in groups
_KEPT: Final = 10_000  # steps that are remembered

Ranges = tuple[tuple[int, int], ...]
_LAST: Final = 0x10FFFF
_CLASSES: Final[dict[str, Ranges]] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F),
          (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
}  # fmt: skip
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_LINE_ENDS: Final[Ranges] = ((10, 10), (13, 13), (0x2028, 0x2029))


class PatternError(ValueError):
    """A pattern that is none, or that is not of this form."""


class LimitError(Exception):
    """More work than a rule may cause."""


class Budget:
    """The work that is left to rules as data, counted in steps: the same for the same input. Some of it comes with each object,
    so that large repositories are judged as small ones are. A million steps are about a second."""

    __slots__ = ("left",)

    def __init__(self, steps: int = 4_000_000) -> None:
        self.left = steps

    def one_more(self) -> None:
        """Another object is judged."""
        self.left += 2_000

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise LimitError("rules as data have cost more work than a run allows: simplify their schemas and patterns")


class _Set(NamedTuple):
    ranges: Ranges
    negated: bool = False


class _Many(NamedTuple):
    parts: tuple[_Tree, ...]
    either: bool = False  # alternatives, not a sequence


class _Repeat(NamedTuple):
    what: _Tree
    least: int
    most: int  # -1: any number


class _Edge(NamedTuple):
    start: bool  # of the text, else its end


_Tree = Union[_Set, _Many, _Repeat, _Edge]


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise PatternError("it ends too early")
        self.at += 1
        return char

    def takes(self, word: str) -> bool:
        found = self.text.startswith(word, self.at)
        self.at += len(word) * found
        return found

    def whole(self) -> _Tree:
        tree = self.either(0)
        if self.peek():
            raise PatternError(f"unmatched {self.peek()!r} at {self.at + 1}")
        return tree

    def either(self, depth: int) -> _Tree:
        if depth > _DEEPEST:
            raise PatternError("groups are nested too deeply")
        branches = [self.sequence(depth)]
        while self.takes("|"):
            branches.append(self.sequence(depth))
        return branches[0] if len(branches) == 1 else _Many(tuple(branches), either=True)

    def sequence(self, depth: int) -> _Tree:
        parts: list[_Tree] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(self.one(depth)))
        return _Many(tuple(parts))

    def one(self, depth: int) -> _Tree:
        char = self.take()
        if char == "(":
            if self.takes("?") and not self.takes(":"):
                raise PatternError("look-around, names and flags of groups are not supported")
            tree = self.either(depth + 1)
            if not self.takes(")"):
                raise PatternError("a group is not closed")
            return tree
        if char == "[":
            return self.bracket()
        if char in "^$":
            return _Edge(char == "^")
        if char == ".":
            return _Set(_LINE_ENDS, negated=True)
        if char == "\\":
            return self.escape()
        if char in "*+?":
            raise PatternError(f"nothing to repeat before {char!r} at {self.at}")
        return _Set(((ord(char), ord(char)),))

    def escape(self) -> _Set:
        char = self.take()
        if char.lower() in _CLASSES:
            return _Set(_CLASSES[char.lower()], negated=char.isupper())
        code = ord(self._literal(char))
        return _Set(((code, code),))

    def _literal(self, char: str) -> str:
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char in "xu":
            digits = self.text[self.at : self.at + (2 if char == "x" else 4)]
            if len(digits) != (2 if char == "x" else 4) or not all(one in "0123456789abcdefABCDEF" for one in digits):
                raise PatternError(f"\\{char} needs hexadecimal digits")
            self.at += len(digits)
            return chr(int(digits, 16))
        if char.isalnum():
            raise PatternError(f"\\{char} is not supported")
        return char

    def bracket(self) -> _Set:
        negated = self.takes("^")
        ranges: list[tuple[int, int]] = []
        while not self.takes("]"):
            first = self._member()
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.take()
                last = self._member()
                if len(first) > 1 or len(last) > 1 or first[0][0] > last[0][1]:
                    raise PatternError("a range in [] runs backwards or has a class at its end")
                ranges.append((first[0][0], last[0][1]))
            else:
                ranges += first
        return _Set(tuple(ranges), negated)

    def _member(self) -> Ranges:
        char = self.take()
        if char != "\\":
            return ((ord(char), ord(char)),)
        if self.takes("b"):
            return ((8, 8),)
        found = self.escape()
        return _opposite(found.ranges) if found.negated else found.ranges

    def repeated(self, what: _Tree) -> _Tree:
        least, most = self._bounds()
        if (least, most) == (1, 1):
            return what
        self.takes("?")  # whether it takes few or many makes no difference to whether it matches
        if isinstance(what, _Edge) or self.peek() in ("*", "+", "?", "{"):
            raise PatternError(f"nothing to repeat before {self.text[self.at - 1 : self.at]!r} at {self.at}")
        return _Repeat(what, least, most)

    def _bounds(self) -> tuple[int, int]:
        for char, bounds in (("*", (0, -1)), ("+", (1, -1)), ("?", (0, 1))):
            if self.takes(char):
                return bounds
        if not self.takes("{"):
            return 1, 1
        body, closed, _ = self.text[self.at :].partition("}")
        first, comma, second = body.partition(",")
        if not closed or not _number(first) or not (_number(second) or not second):
            raise PatternError("{ must begin a number of repetitions, as {2} or {2,5}; write \\{ for the character")
        self.at += len(body) + 1
        least = int(first)
        most = least if not comma else int(second) if second else -1
        if most != -1 and most < least:
            raise PatternError(f"{{{body}}} runs backwards")
        if (least, most) == (1, 1):
            return 1, 1
        return least, most


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def _opposite(ranges: Ranges) -> Ranges:
    out, start = [], 0
    for first, last in sorted(ranges):
        if first > start:
            out.append((start, first - 1))
        start = max(start, last + 1)
    return (*out, (start, _LAST)) if start <= _LAST else tuple(out)


class Pattern:
    """Compiled: states with what they read and where they lead; sets of states are remembered by the character that led on."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise PatternError(f"it is longer than {LONGEST} characters")
        self._reads: list[Union[_Set, _Edge, None]] = []
        self._leads: list[tuple[int, ...]] = []
        self._end = self._state(None, ())
        self._start = self._build(_Parser(text).whole(), self._end)
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._always = self._reached((self._start,), start=False, end=False)

    def __len__(self) -> int:
        """The states: what a step costs at most."""
        return len(self._reads)

    def search(self, text: str, budget: Budget) -> bool:
        """Does it match anywhere in the text?"""
        budget.spend(len(text) + len(self))
        current = self._reached((self._start,), start=True, end=not text)
        for at, char in enumerate(text):
            if self._end in current:
                return True
            following = self._steps.get((current, char))
            if following is None:
                budget.spend(len(current) + len(self._always))
                following = self._step(current, char)
            current = following
            if at + 1 == len(text):
                current = self._reached(tuple(current), start=False, end=True)
        return self._end in current

    def _step(self, current: frozenset[int], char: str) -> frozenset[int]:
        code = ord(char)
        ahead = [self._leads[state][0] for state in current if _accepts(self._reads[state], code)]
        following = self._reached(tuple(ahead), start=False, end=False) | self._always
        if len(self._steps) >= _KEPT:
            self._steps.clear()
        self._steps[current, char] = following
        return following

    def _reached(self, states: tuple[int, ...], start: bool, end: bool) -> frozenset[int]:
        """These states and those they lead to without reading anything."""
        seen: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state in seen:
                continue
            seen.add(state)
            reads = self._reads[state]
            if reads is None or (isinstance(reads, _Edge) and (start if reads.start else end)):
                waiting += self._leads[state]
        return frozenset(seen)

    def _state(self, reads: Union[_Set, _Edge, None], leads: tuple[int, ...]) -> int:
        if len(self._reads) >= MOST:
            raise PatternError(f"it needs more than {MOST} states; are its repetitions meant?")
        self._reads.append(reads)
        self._leads.append(leads)
        return len(self._reads) - 1

    def _build(self, tree: _Tree, then: int) -> int:
        """The state from which `tree` is read, and then what `then` reads."""
        if isinstance(tree, (_Set, _Edge)):
            return self._state(tree, (then,))
        if isinstance(tree, _Repeat):
            return self._repeat(tree, then)
        if tree.either:
            return self._state(None, tuple(self._build(part, then) for part in tree.parts))
        for part in reversed(tree.parts):
            then = self._build(part, then)
        return then

    def _repeat(self, tree: _Repeat, then: int) -> int:
        if tree.most == -1:
            loop = self._state(None, (then,))
            self._leads[loop] = (self._build(tree.what, loop), then)
            then = loop
        else:
            last = then
            for _ in range(tree.most - tree.least):
                then = self._state(None, (self._build(tree.what, then), last))
        for _ in range(tree.least):
            then = self._build(tree.what, then)
        return then


def _accepts(reads: Union[_Set, _Edge, None], code: int) -> bool:
    if not isinstance(reads, _Set):
        return False
    return any(first <= code <= last for first, last in reads.ranges) is not reads.negated
