"""A Mesh that notes what is asked of it, so that it can be told later whether the answers are still the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Any

from meshlint.index.mesh import MeshIndex
from meshlint.model.node import Node

Key = tuple[Hashable, ...]

_OF_ITSELF = frozenset({"workload", "schema"})
"""Questions that the object and the target alone answer."""
_NEVER_SURE = frozenset({"convert", "keeps", "gateway_users"})
"""Questions that fixes ask when somebody wants to see them. Other environments answer them, too."""
_FOLLOWS: Mapping[str, tuple[str, ...]] = {
    "reordered": ("converted_rules", "mesh_subject"),
    "narrowed": ("converted_rules", "mesh_subject"),
}
"""Questions about one object whose answer is the same if the object and the answers to these about it are."""


class Asking:
    """The mesh of one environment. A question that was answered since the mesh last changed is not asked again; `changed` is told
    of each whose answer is another than before."""

    def __init__(self, mesh: MeshIndex, owner: Callable[[Node], object], changed: Callable[[Key], None]) -> None:
        """`owner`: the object that a value stands in; what becomes of a finding hangs on it, too."""
        self.mesh = mesh
        self._owner = owner
        self.noted: dict[Key, None] = {}
        self._changed = changed
        self._answers: dict[Key, Any] = {}
        self._asked_with: dict[Key, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        self._sure: set[Key] = set()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.mesh, name)
        if not callable(value):
            return value
        made = self.__dict__[name] = self._question(name)
        return made

    def owner(self, node: Node) -> Any:
        key: Key = ("owner", node)
        self.noted[key] = None
        return self._answers[key] if key in self._sure else self._ask(key, (node,), {})

    def _question(self, name: str) -> Callable[..., Any]:
        def ask(*arguments: Any, **named: Any) -> Any:
            key: Key = (name, *arguments, *named.items())
            try:
                hash(key)
            except TypeError:
                key = (name, *map(_hashable, arguments), *((one, _hashable(value)) for one, value in named.items()))
                self._asked_with.setdefault(key, (arguments, named))
            else:
                if named:
                    self._asked_with.setdefault(key, (arguments, named))
            self.noted[key] = None
            if key in self._sure:
                return self._answers[key]
            return self._ask(key, arguments, named)

        return ask

    def _ask(self, key: Key, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        answer = (self._owner if key[0] == "owner" else getattr(self.mesh, str(key[0])))(*arguments, **named)
        if key[0] not in _NEVER_SURE:
            self._sure.add(key)
        if key not in self._answers:
            self._answers[key] = answer
        elif self._answers[key] != answer:
            self._answers[key] = answer
            self._changed(key)
        return answer

    def renewed(self, mesh: MeshIndex) -> None:
        """From now on, answers are those of another index, and none of the earlier ones is sure."""
        self.mesh = mesh
        self._sure.clear()

    def doubt(self, keys: Iterable[Key]) -> None:
        """These answers are to be looked at again."""
        self._sure.difference_update(keys)

    def verify(self, key: Key) -> bool:
        """Is the answer to a question still the same?"""
        if key in self._sure or key[0] in _OF_ITSELF:
            return True
        others = [(name, *key[1:]) for name in _FOLLOWS.get(str(key[0]), ())]
        if others and all(other in self._answers for other in others) and all(map(self.verify, others)):
            self._sure.add(key)
            return True
        old = self._answers.get(key)
        try:
            return bool(self._ask(key, *self._asked_with.get(key, (key[1:], {}))) == old)
        except Exception:
            self._changed(key)  # the call that asks it says what is wrong
            return False

    def forget(self, wanted: Collection[Key]) -> None:
        """Let go of the answers that nobody needs any more."""
        self._answers = {key: answer for key, answer in self._answers.items() if key in wanted}
        self._asked_with = {key: given for key, given in self._asked_with.items() if key in wanted}
        self._sure.intersection_update(wanted)

    @property
    def held(self) -> int:
        """How many answers are kept."""
        return len(self._answers)


def _hashable(value: Any) -> Hashable:
    """What stands for an argument: equal where the arguments are."""
    if isinstance(value, Mapping):
        return tuple((key, _hashable(one)) for key, one in value.items())
    if isinstance(value, (tuple, list)):
        return tuple(map(_hashable, value))
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value  # type: ignore[no-any-return]
