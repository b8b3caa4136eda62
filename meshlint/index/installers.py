"""Which objects and files of a repository install istiod, the CNI agent, ztunnel and what works with them, by environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from meshlint.index.config_maps import ConfigMaps
from meshlint.index.homes import Homes
from meshlint.index.releases import Files, Maps, installers_of, releases_in, releases_of
from meshlint.model.document import FileRead
from meshlint.model.installation import CNI, ISTIOD, ZTUNNEL, Installer, Layer
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.resource import Environment, Resource
from meshlint.render.tree import parent

_RELEASES = (Kind.HELM_RELEASE, Kind.ARGO_APPLICATION, Kind.ARGO_APPLICATION_SET)
_SAIL = {Kind.ISTIO: ISTIOD, Kind.ISTIO_REVISION: ISTIOD, Kind.ISTIO_CNI: CNI, Kind.ZTUNNEL: ZTUNNEL}
_SAIL_NAMESPACES = {ISTIOD: "istio-system", CNI: "istio-cni", ZTUNNEL: "ztunnel"}
_KINDS = frozenset({*_RELEASES, *_SAIL, Kind.ISTIO_OPERATOR, Kind.DEPLOYMENT, Kind.DAEMON_SET})
_AMBIENT_PROFILES = ("ambient", "openshift-ambient")
_OPERATOR_COMPONENTS = {ISTIOD: "pilot", CNI: "cni", ZTUNNEL: "ztunnel"}


class Installers:
    """Made once for a repository. An object's installers go with the object, those of files to the environment whose path is the
    longest above the file."""

    def __init__(self, written: Sequence[FileRead], files: Sequence[FileRead], environments: Sequence[Environment]) -> None:
        """`written`: as they stand in the repository; `files`: with what tools made of them in place of their objects."""
        self._files = Files(written, files)
        self._of: dict[tuple[Resource, ...], tuple[Installer, ...]] = {}
        self._numbers: dict[Installer, int] = {}  # the same where root and layers are
        self._by_parts: dict[tuple[Node, tuple[Layer, ...]], int] = {}
        self._all_of: dict[str, Sequence[Installer]] = {}
        self._own: dict[int, list[Installer]] = {}
        named: set[str] = set()
        makers_in: dict[int, list[Resource]] = {}  # by the tuple of resources, which environments share
        for environment in environments:
            near = environment.near
            for resources in near:
                if id(resources) not in makers_in:
                    makers_in[id(resources)] = [resource for resource in resources if resource.kind in _KINDS]
            makers = [resource for resources in near for resource in makers_in[id(resources)]]
            maps = ConfigMaps(near, self._files.several if environment.kind == "plain" else _one_cluster)
            self._own[id(environment)] = [installer for resource in makers for installer in self._made_by(resource, maps, named)]
        homes = Homes(environments)
        for installer in self._from_files(frozenset(named)):
            if (home := homes.of(parent(installer.file))) is not None:
                self._own[id(home)].append(installer)
        held = [(environment, own) for environment in environments if (own := self._own[id(environment)])]
        self._firm = [(own, frozenset(one.component for one in own)) for environment, own in held if not environment.loose]
        self._elsewhere: dict[tuple[frozenset[str], str], Sequence[Installer]] = {}

    def _made_by(self, resource: Resource, maps: ConfigMaps, named: set[str]) -> tuple[Installer, ...]:
        taken = maps.of(resource)
        key = (resource, *taken.values())
        if key not in self._of:
            self._of[key] = tuple(self._made(resource, taken, named))
        return self._of[key]

    def _made(self, resource: Resource, taken: Maps, named: set[str]) -> Iterator[Installer]:
        if resource.kind in _RELEASES:
            for release in releases_of(resource, self._files, taken):
                named.add(release.chart)
                yield from installers_of(release, self._files)
        elif resource.kind in _SAIL:
            yield _of_sail(resource)
        elif resource.kind is Kind.ISTIO_OPERATOR:
            yield from _of_operator(resource)
        elif resource.kind in (Kind.DEPLOYMENT, Kind.DAEMON_SET):
            yield from _rendered(resource)

    def _from_files(self, named: frozenset[str]) -> Iterator[Installer]:
        for release in releases_in(self._files, named):
            yield from installers_of(release, self._files)
        for component, document in self._files.loose():
            yield Installer(component, document.root, None, "", document.root.get("version"), (Layer(document.root),), False)

    def anywhere(self, component: str) -> Sequence[Installer]:
        if component not in self._all_of:
            self._all_of[component] = self._distinct([one for own in self._own.values() for one in own if one.component == component])
        return self._all_of[component]

    def in_environment(self, environment: Environment, component: str) -> Sequence[Installer]:
        """Where the environment says nothing of a component: the one of the other environments, if they hold one, are no
        alternative to this one (an overlay that installs what this one installs, too), and none of those stands nearer to it."""
        own = self._own[id(environment)]
        found = [one for one in own if one.component == component]
        if found or environment.loose:
            return self._distinct(found)
        asked = (frozenset(one.component for one in own), component)
        if asked not in self._elsewhere:
            self._elsewhere[asked] = self._of_others(*asked)
        return self._elsewhere[asked] if self._nearest(own, self._elsewhere[asked]) else ()

    def _nearest(self, own: Sequence[Installer], found: Sequence[Installer]) -> bool:
        """Is what other environments install next to this one, rather than to others that install the same as this one?"""
        if not own or not found:
            return True
        there = found[0].file
        here = max(_together(one.file, there) for one in own)
        others = (one for component in {one.component for one in own} for one in self.anywhere(component))
        return all(_together(one.file, there) <= here for one in others)

    def _of_others(self, here: frozenset[str], component: str) -> Sequence[Installer]:
        """What environments that install nothing of `here` say of a component."""
        found = [one for own, components in self._firm if not here & components for one in own if one.component == component]
        return self._distinct(found) if len({one.root for one in found}) == 1 else ()

    def _distinct(self, found: Sequence[Installer]) -> Sequence[Installer]:
        return list({self._number(installer): installer for installer in reversed(found)}.values())[::-1]

    def _number(self, installer: Installer) -> int:
        if installer not in self._numbers:
            self._numbers[installer] = self._by_parts.setdefault((installer.root, installer.layers), len(self._by_parts))
        return self._numbers[installer]


def _one_cluster(_: str) -> bool:
    return False


def _together(one: str, other: str) -> int:
    """How many folders above both files are the same."""
    pairs = zip(parent(one).split("/"), parent(other).split("/"), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _of_sail(resource: Resource) -> Installer:
    """An object of the sail operator; without `namespace` it goes where the CRD says."""
    component, spec = _SAIL[resource.kind], resource.spec
    namespace = spec.get("namespace")
    where = namespace.text or ("" if namespace.present else _SAIL_NAMESPACES[component])
    layers = (Layer(spec.get("values")),)
    return Installer(
        component, resource.root, resource, where, spec.get("version"), layers, not resource.partial, (spec.get("profile"),),
        called=_called(resource) if component == ISTIOD else None,
    )  # fmt: skip


def _called(resource: Resource) -> str | None:
    """The revision of a control plane: the operator names it after the object, and sets its value. Without a version of its own it
    gets the operator's, which is not known here."""
    name, strategy = resource.name, resource.spec.get("updateStrategy", "type")
    if not name or strategy.unknown:
        return None
    if resource.kind is Kind.ISTIO and strategy.text == "RevisionBased":
        return f"{name}-{(resource.spec.get('version').text or 'VERSION').replace('.', '-')}"
    return "" if name == "default" else name


def _of_operator(resource: Resource) -> Iterator[Installer]:
    """Without a profile of its own an IstioOperator may be one file of several, or get one on the command line. Of its own fields
    the charts get some as values; ztunnel's and the agent's those that are no mappings."""
    spec, profile = resource.spec, resource.spec.get("profile")
    closed = bool(profile) and not resource.partial
    values = tuple(Layer(node) for node in (spec.get("values"), spec.get("unvalidatedValues")))
    profiles = (profile, spec.get("values", "profile"))
    for component, name in _OPERATOR_COMPONENTS.items():
        part = spec.get("components", name)
        if not _installs(component, part, profile):
            continue
        env = (Layer(part.get("k8s", "env"), env=True),)
        own = [Layer(spec, only=name) for name in (("meshConfig", "revision") if component == ISTIOD else ("revision",))]
        yield Installer(
            component, resource.root, resource, _home(component, part, spec), _tag(spec),
            (*env, *own, *values), closed, profiles,
        )  # fmt: skip


def _home(component: str, part: Node, spec: Node) -> str:
    """The namespace of a component; the profiles for OpenShift have ones of their own."""
    ways = [part.get("namespace"), spec.get("namespace"), spec.get("values", "global", "istioNamespace")]
    if component != ISTIOD and (spec.get("profile").text or "").startswith("openshift"):
        return part.get("namespace").text or ("" if part.get("namespace").unknown else "kube-system")
    named = next((way.text for way in ways if way.text), "")
    return named or ("" if any(way.unknown for way in ways) else "istio-system")


def _tag(spec: Node) -> Node:
    return spec.get("tag") if spec.get("tag").present else spec.get("values", "global", "tag")


def _installs(component: str, part: Node, profile: Node) -> bool:
    enabled = part.get("enabled").value
    if isinstance(enabled, bool):
        return enabled
    if component == ISTIOD:
        return bool(part) or profile.text != "empty"
    ambient = profile.text in _AMBIENT_PROFILES
    return ambient or (component == CNI and profile.text == "openshift")


def _rendered(resource: Resource) -> Iterator[Installer]:
    """The manifests that the charts make."""
    component = _rendered_component(resource)
    if component is None:
        return
    pod = resource.root.get("spec", "template", "spec")
    for container in pod.each("containers"):
        env = container.get("env")
        yield Installer(
            component, resource.root, resource, resource.namespace, container.get("image"), (Layer(env, env=True),),
            not resource.partial and not container.get("envFrom"), rendered=True,
        )  # fmt: skip
        return


def _rendered_component(resource: Resource) -> str | None:
    labels = resource.labels
    if resource.kind is Kind.DEPLOYMENT:
        return ISTIOD if labels.get("app") == "istiod" or labels.get("istio") == "pilot" else None
    if resource.name.startswith("ztunnel"):
        return ZTUNNEL
    return CNI if resource.name == "istio-cni-node" or labels.get("k8s-app") == "istio-cni-node" else None


def first_known(found: Sequence[Installer], variable: str) -> str | None:
    """What a variable is set to, where one of them says it."""
    for installer in found:
        node = installer.env(variable)
        if node:
            return _text(node)
    return None


def _text(node: Node) -> str:
    value = node.value
    return str(value).lower() if isinstance(value, bool) else str(value)


def any_ambient(istiod: Sequence[Installer], ztunnel: Sequence[Installer]) -> bool | None:
    """Does one of them run for ambient? None: nothing is installed here, or a template decides."""
    answers = [installer.ambient for installer in istiod if not installer.remote]
    if ztunnel or True in answers:
        return True
    return None if None in answers or not answers else False
