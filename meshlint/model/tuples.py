"""typing.NamedTuple at a third of what a class costs: it checks and compiles each annotation, and a run makes 130 of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    class _Maker(type):
        """Makes a named tuple of what a class statement holds; its module must postpone annotations."""

        def __new__(cls, name, bases, space):
            fields = tuple(space["__annotations__"])
            required = sum(field not in space for field in fields)
            defaults = [space.pop(field) for field in fields[required:]]  # a required one among them is a KeyError
            made = namedtuple(name, fields, defaults=defaults, module=space["__module__"])
            for key, value in space.items():
                setattr(made, key, value)
            return made

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})
