"""The http entries of a VirtualService with its delegates in their places (Istio: MergeHTTPRoutes)."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.semantics.convert.actions import Entry
from meshlint.semantics.convert.check import valid
from meshlint.semantics.convert.reading import Condition, conditions_of
from meshlint.semantics.convert.stay import Stay, known

_INHERITED = (
    "rewrite", "directResponse", "timeout", "retries", "fault", "mirror", "mirrorPercent", "mirrorPercentage", "corsPolicy", "mirrors",
    "headers",
)  # fmt: skip
Rule = tuple[Entry, list[Condition]]


def entries_of(service: Resource, mesh: Mesh) -> tuple[list[Rule], list[Resource]]:
    """The entries as they act, each with its matches, and the delegates that were taken in."""
    taken: list[Resource] = []
    return list(_entries(service, mesh, taken)), taken


def _entries(service: Resource, mesh: Mesh, taken: list[Resource]) -> Iterator[Rule]:
    for at in service.spec.each("http"):
        entry = Entry({key: (node, service) for key, node in at.items() if key != "delegate"}, at, service)
        delegate = at.get("delegate")
        if not delegate.value:
            yield entry, conditions_of(at)
            continue
        other = _held(delegate, service, mesh)
        if other not in taken:
            taken.append(other)
        for below in other.spec.each("http"):
            if (merged := _merged(entry, at, below, other)) is not None:
                yield merged


def _held(delegate: Node, service: Resource, mesh: Mesh) -> Resource:
    namespace = delegate.get("namespace").text or service.namespace
    other = mesh.find(Kind.VIRTUAL_SERVICE, namespace, delegate.get("name").text or "")
    if other is None:
        raise Stay(delegate, f"delegates to {namespace}/{delegate.get('name').text}, which this repository does not hold")
    if other.spec.get("hosts").value or other.partial:
        raise Stay(delegate, f"delegates to {other.title}, which has hosts of its own or is changed by a patch")
    known(other.spec)
    valid(other, mesh)
    for editor in mesh.editors(other):
        raise Stay(delegate, f"delegates to {other.title}, which {editor.title} edits")
    for below in other.spec.each("http", "delegate"):
        raise Stay(below, f"delegates once more, by {other.title}")
    return other


def _merged(entry: Entry, at: Node, below: Node, other: Resource) -> Rule | None:
    fields = {key: (node, other) for key, node in below.items() if key != "delegate"}
    for key in _INHERITED:
        if key not in fields and key in entry.fields:
            fields[key] = entry.fields[key]
    merged = Entry(fields, below, other)
    upper, lower = conditions_of(at), conditions_of(below)
    if not at.get("match").value:
        return merged, lower
    if not below.get("match").value:
        return merged, upper
    out = []
    for condition in lower:
        both = [joined for above in upper if (joined := _both(above, condition)) is not None]
        if not both:
            return None  # Istio leaves out an entry with a match that contradicts
        out += both
    return merged, out


def _both(above: Condition, below: Condition) -> Condition | None:
    """A match of the delegate inside of one of the delegating entry; None where they contradict each other."""
    for name in ("uri", "method"):
        mine, theirs = above.at.get(name), below.at.get(name)
        if mine.value and theirs.value and _contradict(mine, theirs):
            return None
    for field in ("headers", "queryParams"):
        for key, node in below.at.get(field).items():
            mine = above.at.get(field, key)
            if mine.value and node.value and _contradict(mine, node):
                return None
    if above.at.get("ignoreUriCase").value is True or below.at.get("ignoreUriCase").value is True:
        raise Stay(below.at, "ignores the case of the path in a delegate")
    if above.port and below.port and above.port != below.port:
        return None
    if above.gateways and below.gateways and not set(below.gateways) <= set(above.gateways):
        return None
    match = below.match._replace(
        path=below.match.path if below.at.get("uri").value else above.match.path,
        method=below.match.method or above.match.method,
        headers={**above.match.headers, **below.match.headers},
        query={**above.match.query, **below.match.query},
    )
    whole = below.whole if below.at.get("uri").value else above.whole
    return Condition(match, below.at, below.port or above.port, below.gateways or above.gateways, whole)


def _contradict(above: Node, below: Node) -> bool:
    """Istio's stringMatchConflict: the delegate's condition must lie inside of the other's, and neither be an expression."""
    if above.get("regex").value or below.get("regex").value:
        return True
    exact, prefix = above.get("exact").text, above.get("prefix").text
    inner = below.get("exact").text or below.get("prefix").text or ""
    if exact:
        return bool(below.get("prefix").text) or inner != exact
    return not (prefix and inner.startswith(prefix))
