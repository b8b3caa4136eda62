"""Values of charts in layers, and what expressions of templates stand for."""

from __future__ import annotations

import pytest

from meshlint.model.node import Node
from meshlint.model.position import Source
from meshlint.read.compose import compose
from meshlint.render.origin.expressions import At, Env, World, operands, thing_of, turns
from meshlint.render.origin.layers import Layer, Layers
from meshlint.render.origin.template import Template


def node(text: str, path: str) -> Node:
    return compose(text, Source(path, text))[0].root


def layers() -> Layers:
    upper = Layers([Layer(node("{a: {b: top}, sub: {x: from-upper}, global: {g: 1}, n: null}", "upper"))])
    return Layers([Layer(node("{x: own, z: own}", "own"))], upper, "sub")


def test_the_upper_chart_goes_over_the_lower() -> None:
    made = layers()
    assert [(found.value, found.file) for path in (("x",), ("z",), ("global", "g")) if (found := made.find(path)) is not None] == [
        ("from-upper", "upper"),
        ("own", "own"),
        (1, "upper"),
    ]
    assert made.find(("a", "b")) is None


def test_a_layer_may_stand_at_a_path() -> None:
    made = Layers([Layer(node("set", "parameter"), ("a", "l", 1)), Layer(node("{a: {l: [x, y, z]}}", "values"))])
    assert [made.find(("a", "l", number)).file for number in range(3)] == ["values", "parameter", "values"]  # type: ignore[union-attr]
    assert made.items(("a", "l")) == 2


VALUES = "name: shop\nhosts: [a, b]\nroutes:\n  - {name: r0, to: x}\n  - {name: r1}\nby-name: {k: {v: deep}}\nlabels: {one: 1, two: 2}\n"
HELPERS = """\
{{- define "full" -}}
{{- printf "%s-%s" .Release.Name .Values.name -}}
{{- end -}}
{{- define "fixed" -}}
said
{{- end -}}
{{- define "given" -}}
{{ .what.name }}
{{- end -}}
"""


def env() -> Env:
    helpers = Template(Source("_helpers.tpl", HELPERS))
    defines = {name: (helpers.source, lines) for name, lines in helpers.defines.items()}
    world = World(Layers([Layer(node(VALUES, "values.yaml"))]), node("name: chart\n", "Chart.yaml"), defines)
    return Env(world, world, {"$": world})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Values.name }}", ["values.yaml shop"]),
        ("{{ $.Values.name | quote }}", ["values.yaml shop"]),
        ('{{ default "x" .Values.none }}', ["t x"]),
        ('{{ .Values.none | default "x" }}', ["t x"]),
        ('{{ index .Values "by-name" "k" "v" }}', ["values.yaml deep"]),
        ("{{ .Chart.Name }}", ["Chart.yaml chart"]),
        ('{{ include "full" . }}', ["_helpers.tpl %s-%s", "values.yaml shop"]),
        ('{{ include "fixed" $ }}', ["_helpers.tpl said"]),
        ('{{ include "given" (dict "what" .Values) }}', ["values.yaml shop"]),
        ("{{ ternary true 80 .Values.none }}", ["t true", "t 80"]),
        ("{{ .Release.Name }}", []),
        ("{{ .Values.routes }}", []),
        ("{{ .Values.routes.0.name }}{{ $unknown.x }}", []),
        ("{{", []),
    ],
)
def test_operands(text: str, expected: list[str]) -> None:
    found = operands(text, 0, Source("t", text), env())
    assert [f"{one.file} {one.value}" for one in found] == expected


def test_literals_are_where_they_stand() -> None:
    text = '{{ default "abc" .Values.none }}'
    (found,) = operands(text, 0, Source("t", text), env())
    assert text[found.span.start.offset : found.span.end.offset] == "abc"


@pytest.mark.parametrize(
    ("line", "number", "expected"),
    [
        ("{{ range .Values.hosts }}\nx: {{ . }}\n{{ end }}", 1, "b"),
        ("{{ range $i, $r := .Values.routes }}\nx: {{ $r.name }}\n{{ end }}", 1, "r1"),
        ("{{ range .Values.routes }}\n{{ with .name }}\nx: {{ . }}\n{{ end }}\n{{ end }}", 0, "r0"),
        ("{{ range $k, $v := .Values.labels }}\nx: {{ $v }}\n{{ end }}", 1, 2),
        ("{{ range $k, $v := .Values.labels }}\nx: {{ $k }}\n{{ end }}", 1, "two"),
        ("{{ $n := .Values.name }}\nx: {{ $n }}\n", 0, "shop"),
        ('{{ $n := printf "%s" .Values.name }}\nx: {{ $n }}\n', 0, "shop"),
    ],
)
def test_names_inside_of_scopes(line: str, number: int, expected: object) -> None:
    template = Template(Source("t", line))
    written = template.pieces[0].lines[0]
    choices = {scope.at: number for scope in written.scopes if scope.kind == "range"}
    inside = env().with_scopes(written.scopes, template.source, choices)
    assert expected in [one.value for one in operands(written.value, written.start, template.source, inside)]


def test_turns_of_a_loop() -> None:
    here = env()
    assert [turns(thing_of(text, here)) for text in (".Values.hosts", ".Values.labels", ".Values.none", "until 5")] == [2, 2, 1, 1]
    assert isinstance(thing_of(".Values.routes", here), At)
