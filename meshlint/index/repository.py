"""The whole repository: the indexes of its environments, made when asked for, and what only all of them together tell."""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.index.installation import settings_in
from meshlint.index.mesh import MeshIndex
from meshlint.index.store import Part, Store
from meshlint.index.subsets import Used
from meshlint.model.document import FileRead
from meshlint.model.kind import Kind
from meshlint.model.mesh import Host, MeshSetting, Settings
from meshlint.model.node import Node
from meshlint.model.problem import Location
from meshlint.model.resource import Environment, Resource
from meshlint.model.schema import Fault
from meshlint.model.target import Target


class Repository:
    def __init__(
        self, environments: Sequence[Environment], files: Sequence[FileRead], targets: Sequence[Target], settings: Settings
    ) -> None:
        """`targets`: the target of each environment, in the same order."""
        self.environments = tuple(environments)
        self.skipped = frozenset(file.path for file in files if file.skipped is not None)
        self._files = files
        self._targets = dict(zip((id(e) for e in environments), targets, strict=True))
        self._settings = settings
        self._parts: dict[int, Part] = {}
        self._all = tuple(dict.fromkeys(r for e in environments for r in e.resources))
        self._everything = Part(self._all)
        self._indexes: dict[int, MeshIndex] = {}
        self._used: Used | None = None
        self._owners: dict[Node, tuple[Resource, str]] | None = None
        self._sources = {file.path: file.source for file in files}
        self._faults: dict[tuple[object, ...], tuple[Fault, ...]] = {}
        self._mesh_settings: dict[int, list[MeshSetting]] | None = None
        self._hidden = {name for file in files for name in (*file.skipped_kinds, *(k for t in file.troubles for k in t.kinds))}
        self._hiding = [f for f in files if "VirtualService" in f.skipped_kinds or any("VirtualService" in t.kinds for t in f.troubles)]

    def index(self, environment: Environment) -> MeshIndex:
        key = id(environment)
        if key not in self._indexes:
            store = Store(environment, self._parts, self._everything)
            self._indexes[key] = MeshIndex(store, self, self._targets[key], self._settings)
        return self._indexes[key]

    def owner(self, node: Node) -> tuple[Resource | None, str]:
        """The object that a value stands in, and the path of the string of it that the value was read from ("" mostly)."""
        if self._owners is None:
            self._owners = {resource.root: (resource, "") for resource in reversed(self._all)}
            for file in self._files:
                for document in file.documents:
                    if document.inner and document.root in self._owners:
                        holder = self._owners[document.root][0]
                        self._owners.update({root: (holder, path) for path, root in document.inner})
        above: Node | None = Node(node.table, node.row)
        while above is not None:
            if above in self._owners:
                return self._owners[above]
            above = above.parent
        return None, ""

    def text_at(self, place: Location) -> str:
        """The text of a place, "" where the file could not be read."""
        source = self._sources.get(place.file)
        if source is None:
            return ""
        starts = source.line_starts
        start = starts[min(place.line, len(starts)) - 1] + place.column - 1
        end = starts[min(place.end_line, len(starts)) - 1] + place.end_column - 1
        return source.text[start:end]

    def hidden(self, kind: Kind) -> bool:
        """May a file that was not analysed hold objects of this kind?"""
        return kind.kind in self._hidden

    def subset_used(self, rule: Resource, host: Host, name: str) -> bool:
        if self._used is None:
            self._used = Used()
            for environment in self.environments:
                self.index(environment).used_subsets().note_used(self._used)
        if not host.fqdn or self._used.uses(host.fqdn, rule.name, name):
            return True
        top = rule.file.split("/")[0]
        return any(file.path.split("/")[0] == top and (file.source is None or name in file.source.text) for file in self._hiding)

    def faults(self, resource: Resource, target: Target) -> Sequence[Fault]:
        """Environments share objects: each is walked once for each target."""
        key = (resource.root, resource.partial, target.istio.release, target.gateway_api.release, target.channel)
        if key not in self._faults:
            from meshlint.semantics.schema_walk import faults  # many repositories hold none of these kinds

            self._faults[key] = faults(resource, target)
        return self._faults[key]

    def settings_of(self, environment: Environment) -> Sequence[MeshSetting]:
        if self._mesh_settings is None:
            self._mesh_settings = self._place_settings()
        return self._mesh_settings.get(id(environment), ())

    def _place_settings(self) -> dict[int, list[MeshSetting]]:
        """Each setting goes to the environments that hold its object; of values files and vendors' objects, to the one
        whose path is the longest above the file."""
        holders: dict[Node, Resource] = {resource.root: resource for resource in self._all}
        out: dict[int, list[MeshSetting]] = {}
        for setting in settings_in(self._files, holders):
            for environment in self._homes(setting):
                out.setdefault(id(environment), []).append(setting)
        return out

    def _homes(self, setting: MeshSetting) -> Sequence[Environment]:
        holder = setting.holder
        if holder is not None:
            return [e for e in self.environments if any(r.root == holder.root for r in e.resources)]
        above = [e for e in self.environments if _above(e.path, setting.file)]
        return [max(above, key=lambda e: len(e.path))] if above else list(self.environments[:1])


def _above(folder: str, file: str) -> bool:
    return folder in ("", ".") or file == folder or file.startswith(folder + "/")
