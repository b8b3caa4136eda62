"""The whole repository: the indexes of its environments, made when asked for, and what only all of them together tell."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from meshlint.index.homes import Homes
from meshlint.index.installation import settings_in
from meshlint.index.mesh import MeshIndex
from meshlint.index.store import Part, Store, SubsetUse
from meshlint.index.subsets import Used
from meshlint.model.document import FileRead
from meshlint.model.kind import Kind, kind_of
from meshlint.model.mesh import MeshSetting, Settings
from meshlint.model.node import Node, Table
from meshlint.model.problem import Location
from meshlint.model.resource import Environment, Resource
from meshlint.model.schema import Fault
from meshlint.model.target import Target

if TYPE_CHECKING:
    from meshlint.index.crds import CrdSources
    from meshlint.index.installers import Installers


Owners = dict[Table, dict[int, tuple[Resource, str]]]
"""The objects that stand in each document, by their rows; with the path of the string that a document was read from."""


class Repository:
    def __init__(
        self,
        environments: Sequence[Environment],
        files: Sequence[FileRead],
        targets: Sequence[Target],
        settings: Settings,
        output: Sequence[FileRead] = (),
    ) -> None:
        """`targets`: the target of each environment, in the same order. `output`: what tools printed, with the objects of
        environments that stand for those which the files hold."""
        self.environments = tuple(environments)
        self.skipped = frozenset(file.path for file in files if file.skipped is not None)
        self.output = output
        self._files = [*_without_replaced(files, environments), *output] if output else files
        self._written = files
        self._targets = dict(zip((id(e) for e in environments), targets, strict=True))
        self._settings = settings
        self._parts: dict[int, Part] = {}
        self._all = tuple(dict.fromkeys(r for e in environments for r in e.resources))
        self._everything = Part(self._all)
        self._indexes: dict[int, MeshIndex] = {}
        self._stores: dict[int, Store] = {}
        self._used: Used | None = None
        self._used_in: dict[int, Used] = {}
        self._owners: Owners | None = None
        self._sources = {file.path: file.source for file in files}
        self._gateway_users: dict[Node, list[tuple[MeshIndex, Resource]]] | None = None
        self._faults: dict[tuple[object, ...], tuple[Fault, ...]] = {}
        self._mesh_settings: dict[int, list[MeshSetting]] | None = None
        self._installers: Installers | None = None
        self._crds: CrdSources | None = None
        self._hidden = {name for file in files for name in (*file.skipped_kinds, *(k for t in file.troubles for k in t.kinds))}
        self._hiding = [f for f in files if "VirtualService" in f.skipped_kinds or any("VirtualService" in t.kinds for t in f.troubles)]

    def index(self, environment: Environment) -> MeshIndex:
        key = id(environment)
        if key not in self._indexes:
            self._stores[key] = Store(environment, self._parts, self._everything)
            self._indexes[key] = MeshIndex(self._stores[key], self, self._targets[key], self._settings)
        return self._indexes[key]

    def asked_of(self, environment: Environment) -> Store | None:
        """What was asked of an environment so far; None: nothing."""
        return self._stores.get(id(environment))

    @property
    def kinds(self) -> Collection[Kind]:
        """The kinds of objects that are judged somewhere."""
        return self._everything.by_kind.keys()

    @property
    def files(self) -> Sequence[FileRead]:
        """As they are written."""
        return self._written

    def target(self, environment: Environment) -> Target:
        return self._targets[id(environment)]

    @property
    def everything(self) -> Sequence[Resource]:
        """All objects that are judged somewhere, those that environments share once."""
        return self._all

    def count(self, kind: Kind) -> int:
        """How many objects of a kind are judged somewhere."""
        return len(self._everything.by_kind.get(kind, ()))

    def judged(self, kinds: Sequence[Kind]) -> Iterator[Resource]:
        """The objects of some kinds that are judged somewhere."""
        return chain.from_iterable(self._everything.by_kind.get(kind, ()) for kind in kinds)

    def prepare(self) -> None:
        """Make what is made once for all environments, before the process is copied."""
        self._note_owners()
        if self.environments:
            self.settings_of(self.environments[0])
        if self._everything.by_kind.keys() & {Kind.DESTINATION_RULE}:
            self.used()
        _ = self.installers, self.crds

    def owner(self, node: Node) -> tuple[Resource | None, str]:
        """The object that a value stands in, and the path of the string of it that the value was read from ("" mostly)."""
        found = self._note_owners().get(node.table)
        row = node.row if found else -1
        while found and row >= 0:
            if row in found:
                return found[row]
            row = node.table.parents[row]
        return None, ""

    def _note_owners(self) -> Owners:
        if self._owners is None:
            self._owners = {}
            for resource in reversed(self._all):
                self._owners.setdefault(resource.root.table, {})[resource.root.row] = (resource, "")
            for file in self._files:
                for document in file.documents:
                    found = self._owners.get(document.root.table, {}).get(document.root.row) if document.inner else None
                    if found is not None:
                        for path, root in document.inner:
                            self._owners.setdefault(root.table, {})[root.row] = (found[0], path)
        return self._owners

    def text_at(self, place: Location) -> str:
        """The text of a place, "" where the file could not be read."""
        source = self._sources.get(place.file)
        if source is None:
            return ""
        starts = source.line_starts
        start = starts[min(place.line, len(starts)) - 1] + place.column - 1
        end = starts[min(place.end_line, len(starts)) - 1] + place.end_column - 1
        return source.text[start:end]

    @property
    def hides(self) -> Collection[str]:
        """The kinds of objects that files which were not analysed may hold."""
        return self._hidden

    def hidden(self, kind: Kind) -> bool:
        """May a file that was not analysed hold objects of this kind?"""
        return kind.kind in self._hidden

    def used(self) -> Used:
        """The subsets that the routes of all environments use."""
        if self._used is None:
            self._used = Used()
            for environment in self.environments:
                self._used.add(self.used_in(environment))
        return self._used

    def used_in(self, environment: Environment) -> Used:
        """Those that the routes of one use."""
        key = id(environment)
        if key not in self._used_in:
            self._used_in[key] = own = Used()
            self.index(environment).used_subsets().note_used(own)
        return self._used_in[key]

    def known_use(self, environment: Environment) -> Used | None:
        """The same if somebody has asked."""
        return self._used_in.get(id(environment))

    def knows_use(self, environment: Environment, used: Used) -> None:
        """Told by somebody who knows it."""
        self._used_in[id(environment)] = used

    def subset_used(self, use: SubsetUse) -> bool:
        if not use.host or self.used().uses(use.host, use.rule, use.subset):
            return True
        near = (file for file in self._hiding if file.path.split("/")[0] == use.top)
        return any(file.source is None or use.subset in file.source.text for file in near)

    def faults(self, resource: Resource, target: Target) -> Sequence[Fault]:
        """Environments share objects: each is walked once for each target."""
        key = (resource.root, resource.partial, target.istio.release, target.gateway_api.release, target.channel)
        if key not in self._faults:
            from meshlint.semantics.schema_walk import faults  # many repositories hold none of these kinds

            self._faults[key] = faults(resource, target)
        return self._faults[key]

    def gateway_users(self, gateway: Resource) -> Sequence[tuple[MeshIndex, Resource]]:
        if self._gateway_users is None:
            self._gateway_users = {}
            for mesh in map(self.index, self.environments):
                copies: dict[object, set[Node]] = {}
                for held in mesh.around(Kind.GATEWAY):
                    copies.setdefault(held.identity, set()).add(held.root)
                for service in mesh.all(Kind.VIRTUAL_SERVICE):
                    refs = [ref.istio for ref in mesh.binding(service).gateways if ref.istio is not None]
                    bound = {root for held in refs for root in (held.root, *copies.get(held.identity, ()))}
                    for root in bound if service.spec.get("hosts").value else ():
                        self._gateway_users.setdefault(root, []).append((mesh, service))
        return self._gateway_users.get(gateway.root, ())

    def settings_of(self, environment: Environment) -> Sequence[MeshSetting]:
        if self._mesh_settings is None:
            self._mesh_settings = self._place_settings()
        return self._mesh_settings.get(id(environment), ())

    @property
    def installers(self) -> Installers:
        if self._installers is None:
            from meshlint.index.installers import Installers  # many runs ask nothing of them

            self._installers = Installers(self._written, self._files, self.environments)
        return self._installers

    @property
    def crds(self) -> CrdSources:
        if self._crds is None:
            from meshlint.index.crds import HOLDERS, CrdSources

            holders = {resource.root: resource for resource in self.judged(HOLDERS)}
            self._crds = CrdSources(self._written, self._files, self.environments, holders)
        return self._crds

    def _place_settings(self) -> dict[int, list[MeshSetting]]:
        """Each setting goes to the environments that hold its object; of values files and vendors' objects, to the one
        whose path is the longest above the file."""
        holders: dict[Node, Resource] = {resource.root: resource for resource in self._all}
        settings = list(settings_in(self._files, holders))
        holding: dict[Node, list[Environment]] = {setting.holder.root: [] for setting in settings if setting.holder is not None}
        for environment in self.environments if holding else ():
            for root in dict.fromkeys(resource.root for resource in environment.resources):
                if root in holding:
                    holding[root].append(environment)
        out: dict[int, list[MeshSetting]] = {}
        homes = Homes(self.environments)
        for setting in settings:
            for environment in self._homes(setting, holding, homes):
                out.setdefault(id(environment), []).append(setting)
        return out

    def _homes(self, setting: MeshSetting, holding: Mapping[Node, Sequence[Environment]], homes: Homes) -> Sequence[Environment]:
        """`holding`: the environments that hold each object with settings."""
        if setting.holder is not None:
            return holding[setting.holder.root]
        home = homes.of(setting.file)
        return self.environments[:1] if home is None else (home,)


def _without_replaced(files: Sequence[FileRead], environments: Sequence[Environment]) -> Iterator[FileRead]:
    """The files without the objects that no environment holds, because it holds what was made of them."""
    held = {resource.root for e in environments for resources in (e.resources, e.background, e.shared) for resource in resources}
    for file in files:
        documents = tuple(d for d in file.documents if d.root in held or kind_of(d.api_version, d.kind) is None)
        yield file if len(documents) == len(file.documents) else file._replace(documents=documents)
