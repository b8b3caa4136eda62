"""The project's named tuples are those of typing, but for what they cost."""

from __future__ import annotations

import copy
import pickle
import typing

import pytest

from meshlint.model.tuples import NamedTuple


class Ours(NamedTuple):
    """A text."""

    number: int
    words: tuple[str, ...] = ()

    @property
    def double(self) -> int:
        return 2 * self.number

    @classmethod
    def of(cls, number: int) -> Ours:
        return cls(number)


class Theirs(typing.NamedTuple):
    """A text."""

    number: int
    words: tuple[str, ...] = ()

    @property
    def double(self) -> int:
        return 2 * self.number


def test_it_is_what_typing_makes() -> None:
    assert (Ours._fields, Ours._field_defaults, Ours.__doc__, Ours.__module__) == (
        Theirs._fields, Theirs._field_defaults, Theirs.__doc__, Theirs.__module__,
    )  # fmt: skip
    assert Ours.__mro__[1:] == Theirs.__mro__[1:] == (tuple, object)
    assert typing.get_type_hints(Ours) == typing.get_type_hints(Theirs)
    assert repr(Ours(1)) == repr(Theirs(1)).replace("Theirs", "Ours")
    assert set(vars(Theirs)) - set(vars(Ours)) == {"__orig_bases__"} & set(vars(Theirs))


def test_it_behaves_as_one() -> None:
    one = Ours.of(2)._replace(words=("a",))
    number, words = one
    assert (number, words, one.double, one._asdict()) == (2, ("a",), 4, {"number": 2, "words": ("a",)})
    assert one == Theirs(2, ("a",)) == (2, ("a",)) and hash(one) == hash((2, ("a",)))
    assert pickle.loads(pickle.dumps(one)) == copy.copy(one) == one
    assert type(pickle.loads(pickle.dumps(one))) is Ours


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(AttributeError):
        Ours(1).number = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        Ours()  # type: ignore[call-arg]
    with pytest.raises(KeyError, match="second"):

        class Wrong(NamedTuple):
            first: int = 1
            second: int  # type: ignore[misc]
