"""Gateways that VirtualServices are bound to, and Istio Gateways as Kubernetes Gateways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshlint.model.conversion import Because, Converted, Document, Manner, Outcome
from meshlint.model.kind import Kind
from meshlint.model.mesh import GatewayRef, Mesh
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert.check import accepted, valid
from meshlint.semantics.convert.grants import grant
from meshlint.semantics.convert.listeners import Listener, listeners_of
from meshlint.semantics.convert.naming import metadata
from meshlint.semantics.convert.sharing import Doors, Sharing
from meshlint.semantics.convert.stay import Stay, known

_GROUP = Kind.K8S_GATEWAY.group
_PLAIN = {("HTTP", 80), ("HTTPS", 443)}
_NO_TRANSLATION = "experimental.istio.io/disable-gateway-port-translation"
_REDIRECT = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}


class Door(NamedTuple):
    """A listener, as far as routes ask for it."""

    name: str
    port: int
    protocol: str
    section: str
    hostname: str

    def serves(self, names: Sequence[str]) -> bool:
        """Is any of these host names (none: all) among its own?"""
        return not names or not self.hostname or any(_fit(self.hostname, name) for name in names)


class Bound(NamedTuple):
    """A Kubernetes Gateway that routes attach to: `names` are what VirtualServices call it."""

    names: tuple[str, ...]
    ref: dict[str, Any]
    doors: tuple[Door, ...]

    def refs(self, section: str, port: int | None, names: Sequence[str]) -> list[dict[str, Any]]:
        fitting = [one for one in self.doors if one.section == section and port in (None, one.port)]
        fitting = [one for one in fitting if one.serves(names)]
        also = (section, "redirect") if section == "http" else (section,)
        if all(one in fitting for one in self.doors if one.section in also and one.serves(names)):
            return [self.ref] if fitting else []
        return [{**self.ref, "sectionName": one.name} for one in fitting]


class Attached(NamedTuple):
    """Gateways that execute the same rules of a VirtualService."""

    gateways: tuple[Bound, ...]
    suffix: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for one in self.gateways for name in one.names)

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(door.port for door in self._http))

    @property
    def plain_ports(self) -> bool:
        """Do all requests come in on the default port of their scheme?"""
        return all((door.protocol, door.port) in _PLAIN for door in self._http)

    @property
    def _http(self) -> list[Door]:
        return [door for one in self.gateways for door in one.doors if door.section == "http"]

    def refs(self, section: str, port: int | None, names: Sequence[str]) -> list[dict[str, Any]]:
        return [ref for one in self.gateways for ref in one.refs(section, port, names)]


class Gateways:
    def __init__(self, mesh: Mesh, manner: Manner) -> None:
        self._mesh = mesh
        self._manner = manner
        self.sharing = Sharing(mesh, manner)
        self._listeners: dict[Resource, list[Listener]] = {}

    # what VirtualServices ask
    def attached(self, service: Resource) -> list[Attached]:
        """The gateways of a VirtualService; each on its own where matches name some of them. Raises Stay."""
        bound = [self._bound(ref, service) for ref in self._mesh.binding(service).gateways]
        named = any(node.text != "mesh" for section in ("http", "tls", "tcp") for node in service.spec.each(section, "match", "gateways"))
        if named and len(bound) > 1:
            return [Attached((one,), str(number + 1)) for number, one in enumerate(bound)]
        return [Attached(tuple(bound))]

    def parents(self, service: Resource) -> None:
        """Raises Stay where a gateway of the VirtualService stays because of others."""
        for ref in self._mesh.binding(service).gateways:
            for mesh, other in self._mesh.gateway_users(ref.istio) if ref.istio is not None else ():
                because = mesh.keeps(other, self._manner) if other.identity != service.identity else None
                if because is not None:
                    raise Stay(
                        ref.at,
                        f"is bound to {ref.istio.title if ref.istio else ref.name}, which stays for {other.title}: that {because.text}",
                    )

    def _bound(self, ref: GatewayRef, service: Resource) -> Bound:
        place = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
        if ref.istio is not None and ref.kubernetes is not None:
            raise Stay(
                ref.at, f"is bound to {place}, which is both an Istio Gateway and a Kubernetes Gateway", "Give them different names."
            )
        names = tuple(dict.fromkeys((ref.at.text or "", place, *((ref.name,) if ref.namespace == service.namespace else ()))))
        own = {"namespace": ref.namespace} if ref.namespace and ref.namespace != service.namespace else {}
        parent = {"name": ref.name, **own}
        if ref.istio is not None:
            if not self._manner.gateways:
                raise Stay(
                    ref.at, f"is bound to {ref.istio.title}, to which no route can attach", "Convert the Gateway as well (--gateways)."
                )
            found = self._all_of(ref.istio)
            self._reached(ref)
            return Bound(names, parent, tuple(Door(one.name, one.port, one.protocol, one.section, one.hostname) for one in found))
        if ref.kubernetes is None:
            raise Stay(ref.at, f"is bound to {place}, which this repository does not hold")
        if self._mesh.is_waypoint(ref.kubernetes):
            raise Stay(ref.at, f"is bound to {place}, a waypoint, to which no route attaches by name", "Name mesh instead.")
        return Bound(names, parent, tuple(_held(ref.kubernetes)))

    def _all_of(self, gateway: Resource) -> list[Listener]:
        """The listeners of a Gateway, if it converts in every file that has it: one or the other of them is applied."""
        copies = [held for held in self._mesh.around(Kind.GATEWAY) if held.identity == gateway.identity and held.root != gateway.root]
        try:
            for held in copies:
                self._of(held)
            return self._of(gateway)
        except Stay as stay:
            because = stay.because
            raise Stay(because.at, f"is bound to {gateway.title}, which {because.text}", because.remedy) from None

    def doors(self, service: Resource) -> Doors:
        """The host names of the listeners for http at its gateways."""
        out: dict[tuple[str, str], Sequence[str]] = {}
        for ref in self._mesh.binding(service).gateways if service.spec.get("http").value else ():
            out[ref.namespace, ref.name] = [door.hostname for door in self._bound(ref, service).doors if door.section == "http"]
        return out

    def _reached(self, ref: GatewayRef) -> None:
        """Rules of the mesh that send to the pods of a gateway would still do so when another Deployment has its listeners."""
        if ref.istio is None or self._service(ref.istio) is not None:
            return
        words = [value for value in ref.istio.spec.get("selector").strings().values() if value]
        for other in self._mesh.all(Kind.VIRTUAL_SERVICE):
            for sent in self._mesh.destinations(other):
                if any(word in sent.host.fqdn.split(".")[0] for word in words):
                    said = f"is bound to {ref.istio.title}, to whose pods {other.title} seems to send ({sent.host.title})"
                    raise Stay(ref.at, said, "Let the repository hold the Service of these pods, so that they can be kept.")

    # the Gateway itself
    def convert(self, gateway: Resource) -> Converted:
        try:
            self._allowed(gateway)
            found = self._of(gateway)
            for mesh, other in self._mesh.gateway_users(gateway):
                because = mesh.keeps(other, self._manner)
                if because is not None:
                    raise Stay(because.at, f"stays for {other.title}, which {because.text}")
            documents = self._documents(gateway, found)
            accepted(documents, gateway.root, self._mesh.target)
        except Stay as stay:
            return Converted(gateway, Outcome.STAYS, because=(stay.because,))
        return Converted(gateway, Outcome.CONVERTS, tuple(documents), notes=tuple(self._notes(gateway, found)))

    def _allowed(self, gateway: Resource) -> None:
        known(gateway.root)
        valid(gateway, self._mesh)
        if gateway.partial:
            raise Stay(gateway.root, "is changed by a patch that is not followed")
        if not self._manner.gateways:
            raise Stay(gateway.root, "is an Istio Gateway, which goes on working with ambient", "Convert Gateways as well with --gateways.")
        if self._mesh.find(Kind.K8S_GATEWAY, gateway.namespace, gateway.name) is not None:
            raise Stay(gateway.root, "has the name of a Kubernetes Gateway that is there")

    def _of(self, gateway: Resource) -> list[Listener]:
        if gateway not in self._listeners:
            self._allowed(gateway)
            pods = self._pods(gateway)
            found = listeners_of(gateway, self._mesh, pods.namespace if pods is not None else "")
            if (service := self._service(gateway)) is not None:
                _on_ports(service, found)
            self._listeners[gateway] = found
        return self._listeners[gateway]

    def _service(self, gateway: Resource) -> Resource | None:
        """The Service that the Kubernetes Gateway can name, to keep its pods: one of its own namespace, or istiod ignores it."""
        pods = self._pods(gateway)
        return pods if pods is not None and pods.namespace == gateway.namespace else None

    def _pods(self, gateway: Resource) -> Resource | None:
        """The one Service of the pods that the Gateway selects, if the repository holds it."""
        selector = gateway.spec.get("selector").strings()
        found = [
            one
            for one in self._mesh.all(Kind.SERVICE)
            if selector and all(one.spec.get("selector").strings().get(key) == value for key, value in selector.items())
        ]
        return found[0] if len(found) == 1 else None

    def _documents(self, gateway: Resource, found: Sequence[Listener]) -> list[Document]:
        target = self._mesh.target
        support = target.route(Kind.K8S_GATEWAY)
        if not support.usable:
            raise Stay(gateway.root, support.text)
        service = self._service(gateway)
        spec: dict[str, Any] = {"gatewayClassName": "istio"}
        if service is not None:
            spec["addresses"] = [{"type": "Hostname", "value": self._mesh.hosts_of(service)[0].fqdn}]
        spec["listeners"] = [one.document() for one in found]
        head = metadata(gateway.name, gateway.namespace)
        out: list[Document] = [{"apiVersion": f"{_GROUP}/v1", "kind": "Gateway", "metadata": head, "spec": spec}]
        redirected = [one for one in found if one.section == "redirect"]
        if redirected:
            refs = [{"name": gateway.name, "sectionName": one.name} for one in redirected]
            name = f"{gateway.name}-https-redirect"
            if self._mesh.find(Kind.HTTP_ROUTE, gateway.namespace, name) is not None:
                raise Stay(gateway.root, f"needs an HTTPRoute {name}, and there is one of that name")
            rule = {"filters": [_REDIRECT]}
            head = metadata(name, gateway.namespace)
            out.append({"apiVersion": f"{_GROUP}/v1", "kind": "HTTPRoute", "metadata": head, "spec": {"parentRefs": refs, "rules": [rule]}})
        return [*out, *self._grants(gateway, found)]

    def _grants(self, gateway: Resource, found: Sequence[Listener]) -> list[Document]:
        served, watched = self._mesh.target.serves(Kind.REFERENCE_GRANT), self._mesh.target.watches(Kind.REFERENCE_GRANT)
        version = "v1" if "v1" in served and watched in served else watched or "v1beta1"
        refs = [ref for one in found if one.tls for ref in one.tls.get("certificateRefs", ()) if "namespace" in ref]
        made = dict(grant(Kind.K8S_GATEWAY, gateway.namespace, ref["namespace"], "", "Secret", ref["name"], version) for ref in refs)
        return list(made.values())

    def _notes(self, gateway: Resource, found: Sequence[Listener]) -> list[Because]:
        out = []
        service, pods = self._service(gateway), self._pods(gateway)
        if service is None:
            said = (
                "gets a Deployment, Service and address of its own as a Gateway of class istio: its selector is gone, and DNS has to move"
            )
            remedy = "To keep the pods, name their Service in spec.addresses (type Hostname)."
            if pods is not None:
                remedy = f"To keep the pods, move the Gateway to namespace {pods.namespace or '(none)'}: "
                remedy += f"spec.addresses cannot name {pods.title} from elsewhere."
            out.append(Because(gateway.spec.get("selector"), said, remedy))
        for one in found:
            if one.tls and pods is None and "certificateRefs" in one.tls:
                name = one.tls["certificateRefs"][0]["name"]
                said = (
                    f"reads the Secret {name} from {gateway.namespace or 'its own namespace'} then, and from the namespace of its pods now"
                )
                out.append(Because(one.at, said))
        return out


def _on_ports(service: Resource, found: Sequence[Listener]) -> None:
    """Raises Stay where a server of the Istio Gateway names a port of the pods: a Gateway that names a Service takes its ports only."""
    ports = tuple(service.spec.each("ports"))
    if any(one.get("port").unknown for one in ports):
        return
    if service.root.get("metadata", "labels", _NO_TRANSLATION).present:
        said = f"has the ports of the pods behind {service.title} ({_NO_TRANSLATION}), and a Gateway takes those of the Service"
        raise Stay(service.root, said)
    held = {one.get("port").value for one in ports}
    for one in found:
        if one.port not in held:
            said = f"listens on port {one.port}, which {service.title} does not have: a Gateway that names a Service takes its ports only"
            raise Stay(one.at, said, "Name the port of the Service.")


def _held(gateway: Resource) -> list[Door]:
    """The listeners of a Kubernetes Gateway that is there."""
    out = []
    for one in gateway.spec.each("listeners"):
        protocol, port = one.get("protocol").text or "", one.get("port").value
        section = {"HTTP": "http", "HTTPS": "http", "TLS": "tls", "TCP": "tcp"}.get(protocol, "")
        hostname = (one.get("hostname").text or "").lower()
        out.append(Door(one.get("name").text or "", port if isinstance(port, int) else 0, protocol, section, hostname))
    return out


def _fit(one: str, other: str) -> bool:
    """Do two host names, each of them perhaps a wildcard, have a name in common?"""
    if one.startswith("*.") and other.endswith(one[1:]):
        return True
    return one == other or (other.startswith("*.") and one.endswith(other[1:]))
