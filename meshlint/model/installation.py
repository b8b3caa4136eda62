"""What installs a component of the mesh, and the values that it gives it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Union

from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple
from meshlint.model.version import Version

ISTIOD, CNI, ZTUNNEL, CILIUM, ISTIO_CSR = "istiod", "cni", "ztunnel", "cilium", "istio-csr"
OWN_TREE = {ISTIOD: "pilot", CNI: "cni", ZTUNNEL: "ztunnel"}  # what stands below it counts as if it stood at the top (charts, operator)
_PLACEHOLDER = "1.0.0"  # what the charts have in Istio's source tree, until a release is made of them
_RENDERED = {  # the variables by which the charts hand values to the containers
    ISTIOD: {"revision": "REVISION", "global.multiCluster.clusterName": "CLUSTER_ID", "global.platform": "PLATFORM"},
    CNI: {
        "ambient.enabled": "AMBIENT_ENABLED", "ambient.dnsCapture": "AMBIENT_DNS_CAPTURE", "excludeNamespaces": "EXCLUDE_NAMESPACES",
        "ambient.enablementSelectors": "AMBIENT_ENABLEMENT_SELECTOR",
    },
    ZTUNNEL: {
        "network": "NETWORK", "multiCluster.clusterName": "ISTIO_META_CLUSTER_ID", "caAddress": "CA_ADDRESS", "xdsAddress": "XDS_ADDRESS",
    },
}  # fmt: skip


class Layer(NamedTuple):
    """A mapping of values, or (`flat`) a list of `name` and `value` with dotted names. `env`: the variables of the container
    as such a list, or as a mapping. `at`: the path that the node is put at. `under`: the key of a dependency before its flat names or
    that path; `only`: no other top key counts."""

    node: Node
    flat: bool = False
    env: bool = False
    under: str = ""
    only: str = ""
    at: tuple[str, ...] = ()

    def get(self, path: tuple[str, ...]) -> Node | None:
        """The value at a path; an unknown one where a template fills in what holds it; None where it is not set."""
        if self.only and path[0] != self.only:
            return None
        if self.named:
            full = (self.under, *path) if self.under and path[0] != "global" else path
            return self.node if full == self.at else self._flat(".".join(full))
        node = self.node
        for step in path:
            if node.unknown:
                return node
            node = node.get(step)
        return node if node.present else None

    @property
    def named(self) -> bool:
        """Does it hold values by their paths, rather than a mapping of them?"""
        return self.flat or bool(self.at)

    def _flat(self, name: str) -> Node | None:
        named = [item for item in self.node.each() if item.get("name").text == name]
        return named[-1].get("value") if named else None

    def variable(self, name: str) -> Node | None:
        if self.node.is_map:
            found = self.node.get(name)
            return found if found.present else None
        named = [item for item in self.node.each() if item.get("name").text == name]
        return named[-1].get("value") if named else None


class Installer:
    """One component (istiod, cni, ztunnel; cilium, istio-csr) as the repository installs it.

    `layers`: its values, what wins first. `closed`: nothing else can set values (no Secret or ConfigMap, no file that is not
    here, no patch that was not followed), so that a value that is not there is not set. `namespace`: empty where not known.
    `version`: of the chart, the operator's `version` or `tag`. `holder`: the object it stands in; None: a file of Helm or Kustomize.
    `profile`: where an operator's object names one; `fixed`: the one that the chart itself takes. `rendered`: the manifest itself.
    `called`: the revision that the sail operator gives it, "" for the default one; None: the values say it. `filled`: what stands in
    its own file is a template of other components, too.
    What it says is looked up once: the rules about installations ask in every environment for which it is installed.
    """

    def __init__(
        self, component: str, root: Node, holder: Resource | None, namespace: str, version: Node, layers: tuple[Layer, ...],
        closed: bool, profile: tuple[Node, ...] = (), rendered: bool = False, fixed: str = "", called: str | None = None,
        filled: bool = False,
    ) -> None:  # fmt: skip
        self.component = component
        self.root = root
        self.holder = holder
        self.namespace = namespace
        self.version = version
        self.layers = layers
        self.closed = closed
        self.profile = profile
        self.rendered = rendered
        self.fixed = fixed
        self.called = called
        self.filled = filled
        self.file = root.file
        self._values: dict[tuple[str, ...], Node] = {}
        self._variables: dict[str, Node] = {}

    @property
    def title(self) -> str:
        """How messages name it: HelmRelease istio-system/istiod, or istiod in charts/mesh/Chart.yaml."""
        return self.holder.title if self.holder is not None else f"{self.component} in {self.file}"

    @property
    def source(self) -> str:
        """What does the installing: HelmRelease istio-system/istiod, or charts/mesh/Chart.yaml."""
        return self.holder.title if self.holder is not None else self.file

    def value(self, *path: str) -> Node:
        """The value at a path of the chart's values (without `pilot.`, `cni.`), absent where none is set. Where a template fills in
        it or what holds it: an unknown node."""
        if path not in self._values:
            self._values[path] = self._value(path)
        return self._values[path]

    def _value(self, path: tuple[str, ...]) -> Node:
        if self.rendered:
            variable = _RENDERED.get(self.component, {}).get(".".join(path))
            return self.env(variable) if variable else self._absent(path)
        own = OWN_TREE.get(self.component)
        for layer in self.layers:
            if not layer.env:
                for candidate in ((own, *path), path) if own else (path,):
                    if (found := layer.get(candidate)) is not None:
                        return found
        return self._absent(path)

    def env(self, variable: str) -> Node:
        """The value of a variable of the component's container."""
        if variable not in self._variables:
            self._variables[variable] = self._variable(variable)
        return self._variables[variable]

    def _variable(self, variable: str) -> Node:
        for layer in self.layers:
            if layer.env and (found := layer.variable(variable)) is not None:
                return found
        return self._absent((variable,)) if self.rendered else self.value("env", variable)

    def _absent(self, path: tuple[str, ...]) -> Node:
        """An absent node at the nearest place: in the values that win, else in what installs it."""
        values = next((layer.node for layer in self.layers if not layer.named and not layer.env and not layer.only), self.root)
        found = values
        for step in path:
            below = found.get(step)
            if not below.present:
                return below
            found = below
        return self.root.get("values", *path)

    @property
    def revision(self) -> Node:
        return self.value("revision")

    @property
    def revision_name(self) -> str | None:
        """The revision by its name, "default" where it has none; None where a template fills it in."""
        if self.called is None and self.revision.unknown:
            return None
        return (self.revision.text or "" if self.called is None else self.called) or "default"

    @cached_property
    def remote(self) -> bool:
        """Does it use the istiod of another cluster instead of installing one?"""
        profiles = {node.text for node in (*self.profile, self.value("profile"), self.value("global", "profile"))}
        return "remote" in profiles or flag(self.value("istiodRemote", "enabled")) is True

    @property
    def at(self) -> Node:
        """Where something is said of the whole: the object, or the line of a file that names the chart."""
        return self.root if self.holder is not None else self.root.get("name")

    @property
    def where(self) -> Node:
        """Where its profile is to be set: the profile, the variable that is in its place, else the whole."""
        known = [node for node in (self.env("PILOT_ENABLE_AMBIENT"), *self.profile, self.value("profile")) if node.present]
        return known[0] if known else self.at

    @cached_property
    def release(self) -> Version | None:
        """The release that it is said to be of; None where it does not say it plainly."""
        node = self.version
        text = str(node.value) if isinstance(node.value, float) else node.text or ""
        tag = text.rpartition(":")[2].strip().lstrip("~=v")
        return None if tag == _PLACEHOLDER else Version.find(tag.removesuffix(".x").removesuffix(".*"))

    @cached_property
    def ambient(self) -> bool | None:
        """Is it installed for ambient? None: a template or something out of sight decides."""
        if self.component == ZTUNNEL:
            return True
        said = self.env("PILOT_ENABLE_AMBIENT") if self.component == ISTIOD else self.value("ambient", "enabled")
        if said.present:
            return flag(said)
        profiles = [*self.profile, self.value("profile"), self.value("global", "profile")]
        if "ambient" in self.fixed or any("ambient" in (node.text or "") for node in profiles):
            return True
        return None if any(node.unknown for node in profiles) or not self.closed else False

    def settings(self, *paths: str) -> Iterator[tuple[str, Node]]:
        """Those of the dotted paths that are set to something known, with their values."""
        for path in paths:
            node = self.value(*path.split("."))
            if node:
                yield path, node


def flag(node: Node) -> bool | None:
    """A switch as charts and environments write it; None where a template fills it in."""
    if node.unknown:
        return None
    return str(node.value).strip().lower() in ("true", "1")


class CrdSource(NamedTuple):
    """Something that brings CRDs of Gateway API: `at` says the bundle's release or the channel. `name`: of the one CRD, empty
    where it brings all. `holder`: the object; None: a kustomization or another file."""

    at: Node
    bundle: Version | None
    channel: str
    name: str
    holder: Union[Resource, None]
