"""What reading could not do, as users are told: one finding a trouble, whole files that were not analysed once a folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from meshlint.model.document import Trouble
from meshlint.model.problem import Location, Related
from meshlint.model.tuples import NamedTuple
from meshlint.read.guess import said

_NAMED = 4  # files that a message names; the report names every one among its related places


class Told(NamedTuple):
    rule: str
    message: str
    place: Location
    related: tuple[Related, ...] = ()
    remedy: str = ""


def told(troubles: Sequence[Trouble], skipped: Collection[str]) -> Iterator[Told]:
    """`skipped`: the files of which nothing was analysed."""
    folders: dict[str, list[Trouble]] = {}
    for trouble in troubles:
        if trouble.rule == "not-analysed" and trouble.file in skipped:
            folders.setdefault(trouble.file.rpartition("/")[0], []).append(trouble)
        else:
            yield _alone(trouble)
    for folder, alike in folders.items():
        yield _folder(folder, alike) if len(alike) > 1 else _alone(alike[0])


def _alone(trouble: Trouble) -> Told:
    return Told(trouble.rule, trouble.message, _place(trouble), remedy=trouble.remedy)


def _folder(folder: str, alike: Sequence[Trouble]) -> Told:
    names = [trouble.file.rpartition("/")[2] for trouble in alike]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    kinds = said(kind for trouble in alike for kind in trouble.kinds)
    holds = f"; they seem to hold {kinds}" if kinds else ""
    where = f"in {folder}" if folder else "here"
    message = f"{len(alike)} templates {where} do not parse as YAML and were not analysed: {', '.join(names[:_NAMED])}{more}{holds}"
    related = tuple(Related(_place(trouble), trouble.message) for trouble in alike[1:])
    return Told(alike[0].rule, message, _place(alike[0]), related)


def _place(trouble: Trouble) -> Location:
    return Location.of(trouble.file, trouble.span) if trouble.span is not None else Location(trouble.file, 1, 1, 1, 1)
