"""What the rules said of each environment, kept for the next run: where nothing has changed that they may have looked at
(meshlint.index.prints), it is said again and the rules are not asked.

One file per project root holds the findings of its environments by their digests, what each of them looked for in the rest of the
repository, and the digest of what it found there. What is damaged, or from other code, rules or settings, is nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial

import msgspec
import xxhash

from meshlint.cache import private
from meshlint.cache.store import cache_folder
from meshlint.cache.version import judging_version
from meshlint.check.findings import marks
from meshlint.check.sent import Found, Hung, Order, Sent, Shared, received, sent
from meshlint.index.prints import Prints, UnknownError, name_of
from meshlint.index.repository import Repository
from meshlint.index.store import SubsetUse
from meshlint.index.subsets import Used
from meshlint.model.problem import Finding, Fix
from meshlint.model.rule import Rule
from meshlint.model.tuples import NamedTuple


class _Used(NamedTuple):
    """The subsets that an environment uses (meshlint.index.subsets.Used)."""

    by_host: dict[str, set[str]]
    by_name: dict[str, set[str]]
    open_hosts: set[str]
    open_names: set[str]
    named: set[tuple[str, str]]


class _Record(NamedTuple):
    """An environment: what its answers hung on, the subsets it uses (None: nobody asked), and what the rules said."""

    sought: frozenset[str]
    uses: frozenset[tuple[SubsetUse, bool]]
    used: _Used | None
    found: list[Sent]


class _Held(NamedTuple):
    """What is kept: of which code and settings, of what all hangs on, the objects by kind and name, environments by their digests."""

    about: bytes
    common: bytes
    names: dict[str, int]
    records: dict[bytes, msgspec.Raw]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[bytes, msgspec.Raw]).decode
_decode_held = msgspec.msgpack.Decoder(_Held).decode
_decode_record = msgspec.msgpack.Decoder(_Record).decode


class Kept:
    """The findings of one project root. `about`: all that they hang on besides the code and the repository."""

    def __init__(self, folder: str | None, root: str, about: str) -> None:
        """`folder`: where caches lie (None: the user's)."""
        name = xxhash.xxh3_128_hexdigest(os.path.realpath(root).encode("utf-8", "surrogateescape"))
        self.path = os.path.join(cache_folder(folder), f"{name}.found")
        self._about = xxhash.xxh3_128_digest(judging_version() + about.encode("utf-8", "surrogateescape"))
        self._keys: list[bytes | None] = []
        self._again: dict[int, msgspec.Raw] = {}
        self._told: dict[int, frozenset[str]] = {}  # what the subsets that environments use hung on, where nobody asks again
        self._common = b""
        self._names: dict[str, int] = {}
        self._new: Shared | None = None
        self._broken: Collection[int] = ()
        self.numbers: dict[str, int] = {}  # of findings among those alike, by their fingerprints

    def find(self, repository: Repository, most: int | None = None) -> dict[int, list[Sent]] | None:
        """What is said again, by the numbers of environments. None: there are more than `most` objects in the others."""
        held = self._read()
        if held is None and most is not None:
            return None
        prints = Prints(repository)
        self._keys = [prints.environment(environment) for environment in repository.environments]
        records = {} if held is None else {number: held.records[key] for number, key in enumerate(self._keys) if key in held.records}
        if most is not None and _left(repository, records) > most:
            return None
        try:
            self._common = prints.common()
        except UnknownError:
            self._keys = []
            return {} if most is None else None
        self._names = prints.names()
        same = self._same(repository, held.names, records) if held is not None and held.common == self._common else {}
        if most is not None and _left(repository, same) > most:
            return None
        self._again = {number: records[number] for number in same}
        return {number: record.found for number, record in same.items()}

    def _same(self, repository: Repository, names: Mapping[str, int], records: Mapping[int, msgspec.Raw]) -> dict[int, _Record]:
        """The records of which all that they hung on is the same. `names`: the objects of the last run."""
        changed = _changed(names, self._names)
        valid = {number: one for number, raw in records.items() if changed.isdisjoint((one := _decode_record(raw)).sought)}
        for number, one in valid.items():
            if one.used is not None:
                repository.knows_use(repository.environments[number], _used(one.used))
                self._told[number] = one.sought
        return {number: one for number, one in valid.items() if all(repository.subset_used(use) == answer for use, answer in one.uses)}

    def found(
        self, held: Iterable[tuple[int, Sent]], rule: Callable[[str], Rule], fix: Callable[[Order], Fix | None]
    ) -> Iterator[Found]:
        """Findings of environments. `fix`: makes the fix of what was found at a place."""
        for number, one in held:
            order = (number, *one.order[1:])
            _, finding = received(one, rule, partial(fix, order))
            if one.number:
                self.numbers[one.fingerprint] = one.number
            yield order, finding

    def note(self, shared: Shared, broken: Collection[int]) -> None:
        """What was found now, and what it hung on. `broken`: environments in which a rule failed."""
        self._new, self._broken = shared, broken

    def keep(self, repository: Repository, rule: Callable[[str], Rule], findings: Iterable[Finding]) -> None:
        """Write down all that is known. `findings`: those that are told, with their fingerprints."""
        if self._new is None or not self._new.hung or not self._keys:  # nothing is new
            return
        files = {finding.location.file for _, finding in self._new.found}
        told = {marks(one): (one.fingerprint, one.alike, self.numbers[one.fingerprint]) for one in findings if one.location.file in files}
        of: dict[int, list[Sent]] = {}
        for order, finding in self._new.found:
            fingerprint, alike, number = told.get(marks(finding), ("", "", 0))
            one = sent((order, finding), rule)._replace(fingerprint=fingerprint, alike=alike, number=number)
            of.setdefault(order[0], []).append(one)
        records: dict[bytes, msgspec.Raw] = {}
        for number, (environment, key) in enumerate(zip(repository.environments, self._keys, strict=True)):
            about = self._new.hung.get(number)
            if key is None:
                continue
            if number in self._again:
                records[key] = self._again[number]
            elif about is not None and not about.open and number not in self._broken:
                used = repository.known_use(environment)
                sought = about.sought | self._told.get(number, frozenset())
                record = _Record(sought, about.uses, None if used is None else _rows(used), of.get(number, []))
                with suppress(UnicodeEncodeError):  # the name of a file that is no UTF-8
                    records[key] = msgspec.Raw(_encode(record))
        self._write(_Held(self._about, self._common, self._names, records))

    def _read(self) -> _Held | None:
        with suppress(OSError, msgspec.MsgspecError, ValueError):
            checksum, content = _decode(private.read(self.path)[0])
            if xxhash.xxh3_128_digest(memoryview(content)) == checksum:
                held = _decode_held(content)
                return held if held.about == self._about else None
        return None

    def _write(self, held: _Held) -> None:
        with suppress(OSError, UnicodeEncodeError):
            content = _encode(held)
            private.write(self.path, _encode((xxhash.xxh3_128_digest(content), msgspec.Raw(content))))


def hung_on(repository: Repository, numbers: Iterable[int]) -> dict[int, Hung]:
    """What the answers in environments hung on as far as this process knows."""
    asked = ((number, repository.asked_of(repository.environments[number])) for number in numbers)
    return {
        number: Hung(frozenset(name_of(kind.value, name) for kind, name in store.sought), frozenset(store.uses.items()), store.open)
        for number, store in asked
        if store is not None
    }


def _left(repository: Repository, known: Collection[int]) -> int:
    """The objects of the environments that are not known."""
    return sum(len(one.resources) for number, one in enumerate(repository.environments) if number not in known)


def _changed(before: Mapping[str, int], now: Mapping[str, int]) -> set[str]:
    """The kinds and names of which there are others now; with each, its kind and any name."""
    names = {name for name in before.keys() | now.keys() if not now.get(name) or before.get(name) != now[name]}
    return names | {name[: name.index(" ") + 1] for name in names}


def _rows(used: Used) -> _Used:
    return _Used(used.by_host, used.by_name, used.open_hosts, used.open_names, used.named)


def _used(rows: _Used) -> Used:
    used = Used()
    used.by_host, used.by_name, used.open_hosts, used.open_names, used.named = rows
    return used
