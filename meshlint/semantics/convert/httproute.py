"""HTTPRoutes for the http entries of a VirtualService, as one set of parents executes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshlint.model.conversion import Because
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.target import Target
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert.actions import Action, Actions, Entry
from meshlint.semantics.convert.delegates import Rule
from meshlint.semantics.convert.matches import Atom
from meshlint.semantics.convert.order import Conflict, TooMany, ordered
from meshlint.semantics.convert.paths import ANY, SEGMENTS, TEXT, Path
from meshlint.semantics.convert.reading import Condition
from meshlint.semantics.convert.rewriting import Rewrite, needs_prefix
from meshlint.semantics.convert.stay import Stay
from meshlint.semantics.schema_shape import shape_of


class Acting(NamedTuple):
    """An entry and the matches by which it acts here."""

    entry: Entry
    conditions: tuple[Condition, ...]


class RouteRule(NamedTuple):
    """A rule of a route before it is written down."""

    action: Action
    atoms: tuple[Atom, ...]
    rewrite: dict[str, Any] | None
    name: str


class Limits(NamedTuple):
    """How much the target's CRDs let stand in one object."""

    rules: int
    matches: int
    together: int

    @staticmethod
    def of(kind: Kind, version: str, target: Target) -> Limits:
        shape = shape_of(kind, version, target)
        spec = shape.prop("spec") if shape is not None else None
        rules = spec.prop("rules") if spec is not None else None
        matches = rules.inside.prop("matches") if rules is not None else None
        at_most = rules.limits if rules is not None else {}
        inside = matches.limits if matches is not None else {}
        return Limits(int(at_most.get("maxI", 16)), int(inside.get("maxI", 8)), int(at_most.get("maxMatches", 128)))


def acting(rules: Sequence[Rule], sides: Sequence[str], port: int | None) -> list[Acting]:
    """The entries with the matches that some of the gateways (or mesh) execute for requests on a port."""
    out = []
    for entry, conditions in rules:
        here = [one for one in conditions if _acts(one, sides, port)]
        if here:
            out.append(Acting(entry, tuple(here)))
            if any(one.match.takes_all for one in here):
                break
    return out


def _acts(one: Condition, sides: Sequence[str], port: int | None) -> bool:
    return (one.port is None or one.port == port) and (not one.gateways or any(side in one.gateways for side in sides))


def by_segments(rules: Sequence[Acting], notes: list[Because]) -> list[Acting]:
    """The entries with prefixes that stand for whole segments; what changes by that is noted."""
    out = []
    for entry, conditions in rules:
        changed = []
        for one in conditions:
            path = one.match.path
            if path.kind == TEXT and path != ANY and not one.whole:
                notes.append(Because(one.at.get("uri", "prefix"), _narrowed(path.value)))
                one = one._replace(match=one.match._replace(path=Path(SEGMENTS, path.value.rstrip("/"))))
            changed.append(one)
        out.append(Acting(entry, tuple(changed)))
    return out


def _narrowed(prefix: str) -> str:
    bare = prefix.rstrip("/")
    if prefix != bare:
        return f"takes GET {bare} as well then, which the prefix {prefix} leaves out now"
    return f"no longer takes GET {bare}x, which the prefix {prefix} takes now"


def rules_of(rules: Sequence[Acting], actions: Actions, limits: Limits, last: bool = False) -> list[RouteRule]:
    """The rules of an HTTPRoute in their order. Raises Stay with what cannot be said. `last`: a rule without conditions is said by an
    expression, so that those of other routes go first."""
    units = [unit for one in rules for unit in _units(one, actions.of(one.entry))]
    stiff = frozenset(number for number, unit in enumerate(units) if needs_prefix(unit.action.rewrite))
    try:
        order = ordered([[one.match for one in unit.acting.conditions] for unit in units], [unit.effect for unit in units], stiff, last)
    except Conflict as conflict:
        raise _other_way(units[conflict.first].acting.entry, units[conflict.second].acting.entry, conflict) from None
    except TooMany:
        raise Stay(rules[0].entry.at, "needs more matches to keep the order of its rules than an HTTPRoute holds") from None
    out: list[RouteRule] = []
    for number, unit in enumerate(units):
        atoms = [atom for atom in order.atoms if atom.rule == number]
        if atoms:
            out += _split(unit.acting, unit.action, atoms, limits)
    return out


class _Unit(NamedTuple):
    """Matches that do the same: those of an entry, or one of them where what is rewritten is the matched part."""

    acting: Acting
    action: Action
    effect: object


def _units(one: Acting, action: Action) -> list[_Unit]:
    if not needs_prefix(action.rewrite):
        return [_Unit(one, action, action.effect)]
    return [
        _Unit(one._replace(conditions=(condition,)), action, (action.effect, condition.match.path, condition.whole))
        for condition in one.conditions
    ]


def _split(one: Acting, action: Action, atoms: list[Atom], limits: Limits) -> list[RouteRule]:
    """One rule where the rewrite is the same for all matches; ReplacePrefixMatch wants a rule for each."""
    name = one.entry.get("name").text or ""
    groups: list[tuple[dict[str, Any] | None, list[Atom]]] = []
    for atom in atoms:
        said = _rewritten(action.rewrite, atom, one.conditions)
        alone = said is not None and "replacePrefixMatch" in said["urlRewrite"].get("path", {})
        held = next((group for rewrite, group in groups if rewrite == said and len(group) < limits.matches), None)
        if held is not None and not alone:
            held.append(atom)
        else:
            groups.append((said, [atom]))
    return [RouteRule(action, tuple(group), rewrite, name if len(groups) == 1 else "") for rewrite, group in groups]


def _rewritten(rewrite: Rewrite | None, atom: Atom, conditions: Sequence[Condition]) -> dict[str, Any] | None:
    if rewrite is None:
        return None
    whole = any(one.whole for one in conditions if one.match == atom.origin)
    return rewrite.filter_for(atom, whole)


def _other_way(first: Entry, second: Entry, conflict: Conflict) -> Stay:
    said = (
        f"takes {conflict} before {_place(second.at)} does, and an HTTPRoute would give it to {_place(second.at)}, which is more specific"
    )
    return Stay(_matched(first.at), said, "Tell the two apart by a condition that an HTTPRoute ranks, or keep it.")


def _matched(at: Node) -> Node:
    return at.get("match") if at.get("match").value else at


def _place(at: Node) -> str:
    name = at.get("name").text
    return f"rule {name}" if name else f"http[{at.path[-1]}]"


def document(rule: RouteRule, namespace: str, named: bool) -> dict[str, Any]:
    """A rule as HTTPRoute writes it."""
    out: dict[str, Any] = {"name": rule.name} if named and rule.name else {}
    matches = [atom.document() for atom in rule.atoms]
    if matches != [{}]:
        out["matches"] = [match or {"path": {"type": "PathPrefix", "value": "/"}} for match in matches]
    filters = [*rule.action.filters, *([rule.rewrite] if rule.rewrite else [])]
    if filters:
        out["filters"] = filters
    if rule.action.backends:
        out["backendRefs"] = rule.action.backend_refs(namespace)
    if rule.action.timeouts:
        out["timeouts"] = rule.action.timeouts
    if rule.action.retry is not None:
        out["retry"] = rule.action.retry
    return out


def pages(rules: Sequence[RouteRule], limits: Limits, at: Node) -> list[list[RouteRule]]:
    """The rules by object. Which of two objects goes first is a matter of their age, so matches of one rank that share requests must
    not be in two."""
    out: list[list[RouteRule]] = [[]]
    for rule in rules:
        held = sum(len(one.atoms) for one in out[-1]) + len(rule.atoms)
        if out[-1] and (len(out[-1]) >= limits.rules or held > limits.together):
            out.append([])
        out[-1].append(rule)
    for number, page in enumerate(out):
        for other in out[number + 1 :]:
            _apart(page, other, at)
    return out


def _apart(page: Sequence[RouteRule], other: Sequence[RouteRule], at: Node) -> None:
    for one in page:
        for two in other:
            if one.action.effect == two.action.effect and one.rewrite == two.rewrite:
                continue
            for mine in one.atoms:
                if any(mine.rank == theirs.rank and mine.match.overlaps(theirs.match) for theirs in two.atoms):
                    said = (
                        f"has more rules than one HTTPRoute holds, and {mine.match.example()} meets two of the same rank in different ones"
                    )
                    raise Stay(at, said)
