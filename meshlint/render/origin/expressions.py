"""What the names in a template's expressions stand for, as far as they lead to values that somebody wrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Union

from meshlint.model.node import Node, Step
from meshlint.model.position import Source
from meshlint.model.tuples import NamedTuple
from meshlint.render.origin.layers import Layers
from meshlint.render.origin.made import line_node
from meshlint.render.origin.template import Line, Scope, actions

_TOKEN = re.compile(
    r"(?P<text>\"(?:\\.|[^\"\\])*\"|`[^`]*`)|(?P<path>\$?\w*(?:\.[\w-]*)+|\$\w*)|(?P<number>-?\d+(?:\.\d+)?\b)|(?P<word>[A-Za-z_]\w*)|(?P<sign>[()|,])"
)
_DEEPEST = 12
_MOST = 200


class World(NamedTuple):
    """What `$` is in the templates of one chart: its values, its Chart.yaml, the defines of all charts, and a search for the
    file of a chart that has a name and a text."""

    layers: Layers
    chart: Node
    defines: Mapping[str, tuple[Source, tuple[Line, ...]]]
    file: Callable[[str, str], Node | None] = lambda *_: None


class At(NamedTuple):
    """A place in the values."""

    world: World
    path: tuple[Step, ...] = ()

    def nodes(self) -> list[Node]:
        return self.world.layers.all(self.path)


class Said(NamedTuple):
    """An expression that stands for its value (a variable), or several by name (dict)."""

    source: Source
    offset: int
    expression: str
    env: Env


Thing = Union[World, At, Node, Said, dict[str, "Thing"], list["Thing"], None]


class Env(NamedTuple):
    """What `.` and the variables are."""

    world: World
    dot: Thing
    variables: Mapping[str, Thing]
    choices: Mapping[int, int] = {}

    def with_scopes(self, scopes: tuple[Scope, ...], source: Source, choices: Mapping[int, int]) -> Env:
        """Inside of the scopes of a line; `choices` are the turns of the loops, by the loop."""
        env = self
        for scope in scopes:
            env = env._inside(scope, source, choices)
        return env

    def _inside(self, scope: Scope, source: Source, choices: Mapping[int, int]) -> Env:
        if scope.kind == "set":
            thing = thing_of(scope.expression, self)
            value = thing if thing is not None else Said(source, -1, scope.expression, self)
            return self._replace(variables={**self.variables, scope.variable: value})
        thing = thing_of(scope.expression, self)
        names = [name.strip() for name in scope.variable.split(",")] if scope.variable else []
        if scope.kind == "with":
            return self._replace(dot=thing, variables={**self.variables, **dict.fromkeys(names[:1], thing)})
        key, item = turn(thing, choices.get(scope.at, 0))
        bound = dict(zip(names, (key, item), strict=False)) if len(names) > 1 else dict.fromkeys(names, item)
        return self._replace(dot=item, variables={**self.variables, **bound})


def turns(thing: Thing) -> int:
    """How often a loop over something runs; 1 where that is not known."""
    if isinstance(thing, At):
        nodes, items = thing.nodes(), thing.world.layers.items(thing.path)
        if items or (nodes and nodes[0].is_list):
            return max(items, len(list(nodes[0].each())) if nodes and nodes[0].is_list else 0)
        return len(_keys(nodes)) or 1
    return len(thing) if isinstance(thing, list) else 1


def turn(thing: Thing, number: int) -> tuple[Thing, Thing]:
    """Key and item of one turn."""
    if isinstance(thing, list):
        return None, thing[number] if number < len(thing) else None
    if not isinstance(thing, At):
        return None, None
    nodes = thing.nodes()
    if thing.world.layers.items(thing.path) or (nodes and nodes[0].is_list):
        return None, At(thing.world, (*thing.path, number))
    keys = _keys(nodes)
    if number >= len(keys):
        return None, None
    name = keys[number]
    holder = next(node for node in nodes if node.get(name).present).get(name)
    span = holder.table.key_starts[holder.row], holder.table.key_ends[holder.row]
    return line_node(holder.table.source, *span, name), At(thing.world, (*thing.path, name))


def _keys(nodes: list[Node]) -> list[str]:
    """Go goes through a mapping in the order of its keys."""
    return sorted({key for node in nodes for key, _ in node.items()})


def thing_of(expression: str, env: Env) -> Thing:
    """What a whole expression stands for, if it is a path, a dict, or the first of them in a pipeline."""
    expression = expression.strip()
    while expression.startswith("(") and expression.endswith(")"):
        expression = expression[1:-1].strip()
    if expression.startswith("dict "):
        return _dict(expression[5:], env)
    if expression.startswith(("list ", "tuple ")):
        return [resolve(token["path"], env) if token["path"] else None for token in _TOKEN.finditer(expression.partition(" ")[2])]
    for match in _TOKEN.finditer(expression):
        if match["path"]:
            found = resolve(match["path"], env)
            if isinstance(found, At) and expression.startswith("index "):
                steps = [token["text"][1:-1] for token in _TOKEN.finditer(expression, match.end()) if token["text"]]
                return At(found.world, (*found.path, *steps))
            return found
        if match["text"]:
            return None
    return None


def _dict(rest: str, env: Env) -> dict[str, Thing]:
    out: dict[str, Thing] = {}
    tokens = [match for match in _TOKEN.finditer(rest) if not match["sign"]]
    for name, value in zip(tokens[::2], tokens[1::2], strict=False):
        if name["text"]:
            out[name["text"][1:-1]] = resolve(value["path"], env) if value["path"] else None
    return out


def resolve(path: str, env: Env) -> Thing:
    """What `.Values.a.b`, `$.Values.a`, `$x.b` or `.b` names."""
    head, _, rest = path.partition(".")
    steps = [step for step in rest.split(".") if step]
    thing: Thing
    if head == "":
        thing = env.dot
    elif head == "$":
        thing = env.variables.get("$", env.world)
    elif head.startswith("$"):
        thing = env.variables.get(head)
    else:
        return None
    for step in steps:
        thing = _step(thing, step)
    return thing


def _step(thing: Thing, step: str) -> Thing:
    if isinstance(thing, World):
        if step == "Values":
            return At(thing)
        return thing.chart if step == "Chart" else None
    if isinstance(thing, At):
        return At(thing.world, (*thing.path, step))
    if isinstance(thing, Node):
        found = thing.get(step[:1].lower() + step[1:])
        return found if found.present else None
    return thing.get(step) if isinstance(thing, dict) else None


def operands(text: str, offset: int, source: Source, env: Env, depth: int = 0) -> Iterator[Node]:
    """The scalars that the actions of a text are made of, literals and values, in the order in which they are named.
    `offset`: where the text stands in the source."""
    for start, _, inside in actions(text):
        shift = text.find(inside, start)
        yield from _operands(inside, offset + shift if offset >= 0 else -1, source, env, depth)


def _operands(inside: str, offset: int, source: Source, env: Env, depth: int) -> Iterator[Node]:
    if depth > _DEEPEST:
        return
    tokens = list(_TOKEN.finditer(inside))
    arguments = False  # of a define, or the keys of `index`: no values of this expression
    for number, match in enumerate(tokens):
        if match["sign"] == "|" or (arguments and match["sign"] == ")" and tokens[number - 1]["text"]):
            arguments = False
        elif match["text"]:
            before = tokens[number - 1]["word"] if number else None
            if before in ("include", "template"):
                arguments = True
                yield from _included(match["text"][1:-1], inside[match.end() :], env, depth)
            elif offset >= 0 and not arguments:
                yield line_node(source, offset + match.start() + 1, offset + match.end() - 1, match["text"][1:-1])
        elif match["path"]:
            arguments = arguments or (number > 0 and tokens[number - 1]["word"] == "index")
            yield from _scalars(_indexed(tokens, number, env), depth)
        elif (match["number"] or match["word"] in ("true", "false")) and offset >= 0:
            yield line_node(source, offset + match.start(), offset + match.end(), match[0])


def _indexed(tokens: list[re.Match[str]], number: int, env: Env) -> Thing:
    """A path, with the keys that `index` goes on by."""
    thing = resolve(tokens[number]["path"], env)
    if number and tokens[number - 1]["word"] == "index" and isinstance(thing, At):
        for token in tokens[number + 1 :]:
            if not token["text"]:
                break
            thing = At(thing.world, (*thing.path, token["text"][1:-1]))
    return thing


def _scalars(thing: Thing, depth: int) -> Iterator[Node]:
    if isinstance(thing, At):
        found = thing.nodes()[:1]
        yield from (node for node in found if not node.is_map and not node.is_list)
    elif isinstance(thing, Node):
        yield thing
    elif isinstance(thing, Said):
        yield from _operands(thing.expression, thing.offset, thing.source, thing.env, depth + 1)


def _included(name: str, rest: str, env: Env, depth: int) -> Iterator[Node]:
    """The operands of a define that gives a scalar: its literals, and what its actions name."""
    found = env.world.defines.get(name)
    if found is None:
        return
    source, lines = found
    inner = included_env(rest, env)
    for line in lines[:_MOST]:
        here = inner.with_scopes(line.scopes, source, inner.choices)
        if line.value and "{{" not in line.value and line.key is None:
            yield line_node(source, line.start, line.end, line.value.strip("\"'"))
        yield from operands(line.value, line.start, source, here, depth + 1)
        for scope in line.scopes:
            if scope.kind == "set":
                yield from _operands(scope.expression, -1, source, here, depth + 1)


def included_env(rest: str, env: Env) -> Env:
    """The environment of a define: `.` is what it is given."""
    argument = rest.partition("|")[0].strip()
    dot = thing_of(argument, env)
    return Env(env.world, dot, {"$": dot})
