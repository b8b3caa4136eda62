"""What stands at a place: the link there and what it means, its definition, and everything else that means the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshlint.index.mesh import MeshIndex
from meshlint.lsp.links import Link, covers, links, size
from meshlint.lsp.session import Session
from meshlint.model.kind import Kind
from meshlint.model.mesh import Host, Mode, Waypoint
from meshlint.model.node import Node
from meshlint.model.position import Span
from meshlint.model.resource import Environment, Resource

Found = tuple[Environment, MeshIndex, Link]


def at_place(session: Session, path: str, offset: int) -> list[Found]:
    """The narrowest links at a place, one for each environment that holds the object."""
    found = [
        (environment, mesh, link)
        for environment, mesh, resource in _objects(session, path)
        for link in links(resource, mesh)
        if covers(link.at, path, offset)
    ]
    least = min((size(link.at) for _, _, link in found), default=0)
    return [one for one in found if size(one[2].at) == least]


def _objects(session: Session, path: str) -> Iterator[tuple[Environment, MeshIndex, Resource]]:
    for environment, mesh in session.meshes():
        for resource in environment.resources:
            if resource.file == path:
                yield environment, mesh, resource


def defined_at(session: Session, path: str, offset: int) -> set[Node]:
    """The object or subset that a place names or declares, by where it is written."""
    found = at_place(session, path, offset)
    targets = {target for _, _, link in found for target in link.targets}
    return targets or set(_declared(session, path, offset))


def _declared(session: Session, path: str, offset: int) -> Iterator[Node]:
    for _, _, resource in _objects(session, path):
        names = [resource.root.get("metadata", "name"), resource.root.get("kind")]
        if resource.kind is Kind.SERVICE_ENTRY:
            names += resource.spec.each("hosts")
        if any(covers(name, path, offset) for name in names):
            yield resource.root
        for subset in resource.spec.each("subsets") if resource.kind is Kind.DESTINATION_RULE else ():
            if covers(subset.get("name"), path, offset):
                yield subset


def references(session: Session, targets: Iterable[Node]) -> list[Node]:
    """Every value of the repository that means one of these."""
    wanted = set(targets)
    out: dict[Node, None] = {}
    for environment, mesh in session.meshes():
        for resource in environment.resources:
            for link in links(resource, mesh):
                if not wanted.isdisjoint(link.targets):
                    out[link.at] = None
    return list(out)


def name_span(target: Node) -> tuple[str, Span]:
    """File and place of what defines something: its name."""
    name = target.get("metadata", "name") if target.get("kind").text else target.get("name")
    node = name if name.present else target
    return node.file, node.place


def told(found: list[Found]) -> str:
    """What a link comes to, as markdown."""
    lines: dict[str, list[str]] = {}
    for environment, mesh, link in found:
        lines.setdefault(_said(mesh, link), []).append(environment.name)
    if len(lines) == 1:
        return next(iter(lines))
    return "\n\n".join(f"{text}\n\nin {', '.join(f'`{name}`' for name in names)}" for text, names in lines.items())


def _said(mesh: MeshIndex, link: Link) -> str:
    if isinstance(link.answer, Host):
        return _host(mesh, link, link.answer)
    if isinstance(link.answer, Waypoint):
        return _waypoint(link.answer)
    if link.what == "subset":
        return _subset(link)
    if not link.targets:
        return f"**{link.what}** `{link.at.text or ''}`: the repository does not hold it"
    return "\n\n".join(f"**{link.what}** {_object(target)}" for target in link.targets)


def _object(root: Node) -> str:
    metadata = root.get("metadata")
    name = "/".join(filter(None, (metadata.get("namespace").text, metadata.get("name").text)))
    span = root.place
    return f"{root.get('kind').text} `{name}` ({root.file}:{span.start.line + 1})"


def _host(mesh: MeshIndex, link: Link, host: Host) -> str:
    head = f"**{link.what}** `{host.title}`"
    if host.service is None and not host.entries:
        return f"{head}: {host.kind.value.replace('-', ' ')}, the repository holds no Service or ServiceEntry of it"
    lines = [head, *(f"- {_object(one.root)}" for one in filter(None, (host.service, *host.entries)))]
    resource = host.resource
    assert resource is not None
    lines += [f"- labels: {_labels(resource)}", f"- data plane: {_mode(mesh, resource)}", f"- {_waypoint(mesh.waypoint(resource))}"]
    return "\n".join(lines)


def _labels(resource: Resource) -> str:
    selector = resource.spec.get("selector").strings() if resource.kind is Kind.SERVICE else {}
    said = ", ".join(f"`{key}={value}`" for key, value in sorted(resource.labels.items())) or "none"
    return said + (f"; selects {', '.join(f'`{key}={value}`' for key, value in sorted(selector.items()))}" if selector else "")


def _mode(mesh: MeshIndex, resource: Resource) -> str:
    now = {Mode.OUT: "not in the mesh", Mode.UNKNOWN: "not told", Mode.BOTH: "ambient and sidecar"}
    mode = mesh.mode(resource)
    after = "ambient" if mesh.candidate(resource) else "stays out of ambient"
    return f"now {now.get(mode, mode.value)}, after the move {after}"


def _waypoint(waypoint: Waypoint) -> str:
    if not waypoint.name:
        return f"waypoint: {waypoint.state.value.replace('-', ' ')}"
    where = f", {_object(waypoint.gateway.root)}" if waypoint.gateway is not None else ""
    inherited = ", by the label of its namespace" if waypoint.inherited else ""
    return f"waypoint `{waypoint.namespace}/{waypoint.name}`: {waypoint.state.value}{where}{inherited}"


def _subset(link: Link) -> str:
    if not link.targets:
        return f"**subset** `{link.at.text}`: no DestinationRule declares it"
    lines = [f"**subset** `{link.at.text}`"]
    for target in link.targets:
        labels = ", ".join(f"`{key}={value}`" for key, value in target.get("labels").strings().items()) or "no labels"
        lines.append(f"- {labels} ({target.file}:{target.place.start.line + 1})")
    return "\n".join(lines)
