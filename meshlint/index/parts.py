"""The parts of an environment's index. Those that only some kinds of objects need are imported and made when something asks them
first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from meshlint.index.dataplane import Dataplane
from meshlint.index.hosts import Hosts
from meshlint.index.moves import Moves
from meshlint.index.routes import Routes
from meshlint.index.store import Store, SubsetUse
from meshlint.index.subsets import Subsets
from meshlint.index.waypoints import Waypoints
from meshlint.model.installation import Installer
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh, MeshSetting, Settings
from meshlint.model.resource import Environment, Resource
from meshlint.model.schema import Fault
from meshlint.model.target import Target

if TYPE_CHECKING:
    from meshlint.index.conversion import Conversion
    from meshlint.index.crds import CrdSources
    from meshlint.index.destinations import Destinations
    from meshlint.index.enrolment import Enrolment
    from meshlint.index.gatewayapi import GatewayApi
    from meshlint.index.guards import Guards
    from meshlint.index.installers import Installers
    from meshlint.index.listeners import Listeners
    from meshlint.index.netpolicies import NetPolicies
    from meshlint.index.peerauth import PeerAuthentications
    from meshlint.index.policies import Policies
    from meshlint.index.twins import Twins
    from meshlint.index.waypoint_work import WaypointWork
    from meshlint.model.conversion import Manner
    from meshlint.semantics.convert.converter import Converter


class Whole(Protocol):
    """What only all environments together tell (meshlint.index.repository)."""

    def hidden(self, kind: Kind) -> bool: ...
    def subset_used(self, use: SubsetUse) -> bool: ...
    def settings_of(self, environment: Environment) -> Sequence[MeshSetting]: ...
    def faults(self, resource: Resource, target: Target) -> Sequence[Fault]: ...
    def gateway_users(self, gateway: Resource) -> Sequence[tuple[Mesh, Resource]]: ...
    @property
    def installers(self) -> Installers: ...
    @property
    def crds(self) -> CrdSources: ...


class Parts:

    def __init__(self, store: Store, repository: Whole, target: Target, settings: Settings) -> None:
        self.target = target
        self.settings = settings
        self._store = store
        self._repository = repository
        self._installed: dict[str, Sequence[Installer]] = {}
        self._schema: dict[Resource, Sequence[Fault]] = {}
        self._dataplane = Dataplane(store, settings)
        self._hosts = Hosts(store, settings)
        self._waypoints = Waypoints(store, self._dataplane, settings)
        self._routes = Routes(store, self._hosts, self._waypoints)
        self._subsets = Subsets(store, self._hosts, self._routes)
        self._moves = Moves(self._dataplane, self._hosts, self._routes)
        self._converters: dict[Manner, Converter] = {}

    @cached_property
    def _enrolment(self) -> Enrolment:
        from meshlint.index.enrolment import Enrolment

        return Enrolment(self._store, self._dataplane)

    @cached_property
    def _destinations(self) -> Destinations:
        from meshlint.index.destinations import Destinations

        return Destinations(self._dataplane, self._routes, self._moves, self.settings)

    @cached_property
    def _waypoint_work(self) -> WaypointWork:
        from meshlint.index.waypoint_work import WaypointWork

        return WaypointWork(self._store, self._hosts, self._routes, self._moves)

    @cached_property
    def _netpolicies(self) -> NetPolicies:
        from meshlint.index.netpolicies import NetPolicies

        return NetPolicies(self._store)

    @cached_property
    def _peer_authentications(self) -> PeerAuthentications:
        from meshlint.index.peerauth import PeerAuthentications

        return PeerAuthentications(self._store, self.settings.root_namespace)

    @cached_property
    def _twins(self) -> Twins:
        from meshlint.index.twins import Twins

        return Twins(self._store)

    @cached_property
    def _guards(self) -> Guards:
        from meshlint.index.guards import Guards

        return Guards(self._store, self.settings)

    @cached_property
    def _listeners(self) -> Listeners:
        from meshlint.index.listeners import Listeners

        return Listeners(self._dataplane, self._routes, self.target)

    @cached_property
    def _gatewayapi(self) -> GatewayApi:
        from meshlint.index.gatewayapi import GatewayApi

        return GatewayApi(self._store, self._dataplane, self._waypoints, self._routes)

    @cached_property
    def _conversion(self) -> Conversion:
        from meshlint.index.conversion import Conversion

        return Conversion(self._routes, self._moves, self.settings)

    @cached_property
    def _policies(self) -> Policies:
        from meshlint.index.policies import Policies

        parts = (self._store, self._dataplane, self._hosts, self._routes, self._waypoints)
        return Policies(*parts, self.settings, self.trust_domain)

    @property
    def environment(self) -> Environment:
        return self._store.environment

    def mesh_settings(self) -> Sequence[MeshSetting]:
        return self._repository.settings_of(self.environment)

    def trust_domain(self) -> str:
        return next((text for setting in self.mesh_settings() if (text := setting.config.get("trustDomain").text)), "cluster.local")
