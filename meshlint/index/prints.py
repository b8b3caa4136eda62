"""What the answers of an index hang on, as digests: where they are the same in another run, so is every answer.

An environment answers from its own objects, from others of the repository that it looks for by name, and from what the whole
repository tells: what is installed, which settings hold, what no tool could read. Files that may tell such things are digested
together with the shape of all environments, and with what becomes in each of them of the objects in such files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import xxhash

from meshlint.index.repository import Repository
from meshlint.model.document import FileRead
from meshlint.model.node import Node, Table
from meshlint.model.resource import Environment, Resource
from meshlint.render.shaping import SHAPING, is_plain, is_plain_text, names_taken


class UnknownError(Exception):
    """Something has no digest: nobody can tell whether it is the same next time."""


class Prints:
    """The digests of one repository as it was read."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._tables = dict(_tables(repository.files))
        self._known: dict[int, str] = {}  # by the id of a resource
        self._tuples: dict[int, bytes] = {}
        shared = {id(one.shared): one.shared for one in repository.environments}
        self._everything = list(dict.fromkeys(chain(repository.everything, *shared.values())))

    def common(self) -> bytes:
        """Of what every environment hangs on. Raises UnknownError where a tool printed some of it."""
        kinds = sorted({resource.kind.value for resource in self._everything})
        hides, printed = sorted(self._repository.hides), bool(self._repository.output)
        seen = xxhash.xxh3_128(repr((kinds, hides, printed)).encode("utf-8", "surrogateescape"))
        named = names_taken(self._repository.files)
        if not all(is_plain_text(file, named) for file in self._repository.output):
            raise UnknownError
        shaping = [file for file in self._repository.files if not is_plain(file, named)]
        for file in shaping:
            seen.update(_of_file(file).encode("utf-8", "surrogateescape"))
        tables = {document.root.table for file in shaping for document in file.documents}
        held: dict[int, bytes] = {}  # by the tuple of resources, which environments share
        for environment in self._repository.environments:
            seen.update(_shape(environment).encode("utf-8", "surrogateescape"))
            for resources in environment.near:
                if id(resources) not in held:
                    shapes = (one for one in resources if one.kind in SHAPING or one.root.table in tables)
                    held[id(resources)] = _digest(chain.from_iterable(map(self._texts, shapes)))
                seen.update(held[id(resources)])
        return bytes(seen.digest())

    def names(self) -> dict[str, int]:
        """Of all objects of each kind and name; 0 where there is none."""
        held: dict[str, list[Resource]] = {}
        for resource in self._everything:
            held.setdefault(name_of(resource.kind.value, resource.name), []).append(resource)
        return {name: self._of_all(resources) for name, resources in held.items()}

    def _of_all(self, resources: Iterable[Resource]) -> int:
        try:
            return int(xxhash.xxh3_64_intdigest("\n".join(map(self._of, resources)).encode("utf-8", "surrogateescape")))
        except UnknownError:
            return 0

    def environment(self, environment: Environment) -> bytes | None:
        """Of an environment with all that is its own; None where some of it has none."""
        try:
            seen = xxhash.xxh3_128(_digest(self._head(environment)))
            for resources in environment.near:
                seen.update(self._of_tuple(resources))
        except UnknownError:
            return None
        return bytes(seen.digest())

    def _head(self, environment: Environment) -> Iterator[str]:
        yield from (environment.name, environment.kind, environment.path, environment.status, str(environment.reason))
        yield repr(self._repository.target(environment))
        yield from environment.missing
        for part in environment.parts:
            yield repr(part._replace(at=None))
            yield "" if part.at is None else self._at(part.at)

    def _of_tuple(self, resources: tuple[Resource, ...]) -> bytes:
        key = id(resources)
        if key not in self._tuples:
            self._tuples[key] = _digest(map(self._of, resources))
        return self._tuples[key]

    def _of(self, resource: Resource) -> str:
        """Of an object as it is applied: its text, and all that does not stand there."""
        known = self._known.get(id(resource))
        if known is None:
            known = self._known[id(resource)] = "\0".join(self._parts(resource))
        return known

    def _parts(self, resource: Resource) -> Iterator[str]:
        yield from self._texts(resource)
        for (field, key), node in resource.places.items():
            yield f"{field} {key} {'' if node is None else self._at(node)}"

    def _texts(self, resource: Resource) -> Iterator[str]:
        """All but the places where Kustomize set something: those in an inline patch have no digest."""
        yield from (self._at(resource.root), resource.namespace, resource.name, "partial" if resource.partial else "")
        owner, _ = self._repository.owner(resource.root)
        if owner is not None and owner is not resource:
            yield from (owner.namespace, owner.name)
        if resource.places:
            yield repr((resource.labels, resource.annotations, resource.pod_labels))

    def _at(self, node: Node) -> str:
        table = self._tables.get(node.table)
        if table is None:
            raise UnknownError
        return f"{table} {node.row}"


def _shape(one: Environment) -> str:
    """What tells which files are an environment's."""
    return repr((one.name, one.kind, one.path, one.status, one.loose, one.folders))


def _digest(texts: Iterable[str]) -> bytes:
    return bytes(xxhash.xxh3_128_digest("\n".join(texts).encode("utf-8", "surrogateescape")))


def name_of(kind: tuple[str, str], name: str) -> str:
    """How a kind and name are told."""
    return f"{kind[0]}/{kind[1]} {name}"


def _tables(files: Iterable[FileRead]) -> Iterator[tuple[Table, str]]:
    for file in files:
        if file.digest:
            text = _of_file(file)
            for number, document in enumerate(file.documents):
                yield document.root.table, f"{text} {number}"


def _of_file(file: FileRead) -> str:
    if file.digest:
        return f"{file.path}\0{file.digest.hex()}"
    if file.source is None:
        return f"{file.path}\0{file.skipped}"
    return f"{file.path}\0text {xxhash.xxh3_128_hexdigest(file.source.text.encode('utf-8', 'surrogateescape'))}"
