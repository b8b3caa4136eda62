"""What the repository says it runs, by environment: its own evidence, else that of the whole repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meshlint.model.document import FileRead
from meshlint.model.node import Node
from meshlint.model.resource import Environment
from meshlint.model.target import Current
from meshlint.model.version import Version
from meshlint.render.evidence import Evidence, evidence_of


class Versions:
    """The evidence of a repository, collected once."""

    def __init__(self, files: Iterable[FileRead]) -> None:
        self._all = evidence_of(sorted(files, key=lambda file: file.path))
        self._by_root: dict[Node, list[int]] = {}
        self._by_folder: dict[str, list[int]] = {}
        for number, found in enumerate(self._all):
            self._by_root.setdefault(found.root, []).append(number)
            for folder in _above(found.root.file):
                self._by_folder.setdefault(folder, []).append(number)

    def of(self, environment: Environment) -> Current:
        """Each answer from the environment's own objects and files where they give one. Of several releases the newest:
        what is older is on its way out, or an example."""
        if not self._all:
            return Current()
        numbers = {number for resource in environment.resources for number in self._by_root.get(resource.root, ())}
        numbers.update(number for folder in _folders(environment) for number in self._by_folder.get(folder, ()))
        own = [self._all[number] for number in sorted(numbers)]
        sources: dict[str, str] = {}
        istio = self._release("istio", own, sources)
        gateway_api = self._release("gateway-api", own, sources)
        channel = self._word("channel", own, sources)
        distribution = self._word("distribution", own, sources)
        alpha = self._word("alpha-flag", own, {}) is not None
        return Current(istio, gateway_api, channel, sources, distribution, alpha)

    def _release(self, key: str, own: Sequence[Evidence], sources: dict[str, str]) -> Version | None:
        found = _about(key, own) or _about(key, self._all)
        releases = [(one.value, one.at) for one in found if isinstance(one.value, Version)]
        if not releases:
            return None
        newest, at = max(releases, key=lambda one: (*_order(one[0]), one[1].exact))
        others = len({value for value, _ in releases}) - 1
        sources[key] = _place(at) + (f" (the newest of {others + 1} releases named)" if others else "")
        return newest

    def _word(self, key: str, own: Sequence[Evidence], sources: dict[str, str]) -> str | None:
        """Of two channels the experimental one: its CRDs serve what the standard ones do."""
        found = _about(key, own) or _about(key, self._all)
        if not found:
            return None
        chosen = min(found, key=lambda one: str(one.value))
        sources[key] = _place(chosen.at)
        return str(chosen.value)


def current(environment: Environment, files: Iterable[FileRead]) -> Current:
    """What one environment runs. For several environments of the same files, Versions reads them once."""
    return Versions(files).of(environment)


def _about(key: str, found: Sequence[Evidence]) -> list[Evidence]:
    return [one for one in found if one.key == key]


def _order(version: Version) -> tuple[int, int, int]:
    return (version.major, version.minor, -1 if version.patch is None else version.patch)


def _above(path: str) -> Iterator[str]:
    """A file and the folders that it is in, without the root."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _folders(environment: Environment) -> list[str]:
    """The folders of which all files are the environment's."""
    if environment.parts:
        return [part.source for part in environment.parts if part.tool and part.source not in (".", "")]
    return [environment.path] if environment.kind != "plain" and environment.path else []


def _place(at: Node) -> str:
    return f"{at.file}:{at.span.start.line + 1}"
