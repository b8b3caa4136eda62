"""Templates read line by line."""

import pytest

from meshlint.model.position import Source
from meshlint.render.origin.outline import Outline, outline
from meshlint.render.origin.template import Template


def shape(text: str) -> str:
    """The outline of the first piece that holds something, as one line."""
    template = Template(Source("t.yaml", text))
    return _shape(outline(template.source, next(piece.lines for piece in template.pieces if piece.lines)))


def _shape(at: Outline) -> str:
    inner = [*(_shape(child) for child in at.children), *(f"-{_shape(item)}" for item in at.items), *("*" for _ in at.fills)]
    name = at.line.key or at.line.value if at.line is not None and not at.is_item else ""
    return name + (f"({' '.join(inner)})" if inner else "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n  b: 1\n  c: 2\nd: 3\n", "(a(b c) d)"),
        ("a:\n- x: 1\n  y: 2\n- z: 3\nb: 1\n", "(a(-(x y) -(z)) b)"),
        ("a:\n  - - x: 1\n    - y: 2\n", "(a(-(-(x) -(y))))"),
        ("a:\n  {{- if .Values.x }}\n  b: 1\n  {{- else }}\n  b: 2\n  {{- end }}\nc: 3\n", "(a(b b) c)"),
        ("a:\n  {{- toYaml .Values.x | nindent 2 }}\nb: 1\n", "(a(*) b)"),
        ("a:\n{{ include \"x\" . | indent 2 }}\nb: 1\n", "(a(*) b)"),
        ("a: |\n  b: no key\n  - nor item\nc: 1\n", "(a c)"),
        ("{{- /* a: no key\nb: nor this */}}\na: 1\n# c: 2\n", "(a)"),
        ('{{ .Values.k }}: 1\n"q k": 2\nurl: http://x:80/y\n', "({{ .Values.k }} q k url)"),
        ("a:\n  - {{ .x | quote }}\n  - b\n", "(a(- -))"),
        ('{{- if and (eq .a "}}")\n  .b }}\na: 1\n{{- end }}\n', "(a)"),
    ],
)
def test_the_outline(text: str, expected: str) -> None:
    assert shape(text) == expected


def test_pieces_and_defines() -> None:
    template = Template(Source("t.yaml", '{{ define "d" }}\nx: 1\n{{ end }}\na: 1\n---\nb: 2\n--- # last\nc: 3\n'))
    assert [[line.key for line in piece.lines] for piece in template.pieces] == [["a"], ["b"], ["c"]]
    assert [line.key for line in template.defines["d"]] == ["x"]


def test_a_block_of_text_ends_with_its_define_and_its_document() -> None:
    block = "a: |\n  text\n"
    text = f'{{{{ define "d" }}}}\n{block}{{{{ end }}}}\n{{{{ define "e" }}}}\n    b: 1\n{{{{ end }}}}\n  c: 1\n{block}---\n  d: 1\n'
    template = Template(Source("t.yaml", text))
    assert {name: [line.key for line in lines] for name, lines in template.defines.items()} == {"d": ["a"], "e": ["b"]}
    assert [[line.key for line in piece.lines] for piece in template.pieces] == [["c", "a"], ["d"]]


def test_scopes_of_a_line() -> None:
    text = "{{ $v := .Values.a }}\n{{ range $i, $e := .Values.l }}\n{{ with .m }}\na: 1\n{{ else }}\nb: 1\n{{ end }}\n{{ end }}\nc: 1\n"
    lines = Template(Source("t.yaml", text)).pieces[0].lines
    assert [[(scope.kind, scope.expression, scope.variable) for scope in line.scopes] for line in lines] == [
        [("set", ".Values.a", "$v"), ("range", ".Values.l", "$i, $e"), ("with", ".m", "")],
        [("set", ".Values.a", "$v"), ("range", ".Values.l", "$i, $e")],
        [("set", ".Values.a", "$v")],
    ]


def test_values_are_where_they_stand() -> None:
    text = 'a:\n  - name: "x # y" # said\n    v: {{ .Values.a # b }} # c\n'
    lines = Template(Source("t.yaml", text)).pieces[0].lines
    assert [text[line.start : line.end] for line in lines] == ["", '"x # y" # said', "{{ .Values.a # b }}"]


@pytest.mark.parametrize("text", ["{{ .a }}-" * 60 + "x\n", "{{ .a\n" * 20_000, "a" + " " * 100_000 + "b\n", "{{ .a " * 20_000])
def test_no_line_takes_ages(text: str) -> None:
    """Ways to read a text that grow with it, or double with each expression, end no test in time."""
    assert Template(Source("t.yaml", text)).pieces


def test_any_text_is_read() -> None:
    for text in ("{{", "{{ end }}{{ end }}", "{{ define }}", "- - -\n-", "---\n---", "a: {{ if", "{{ else }}", "\t: x", '{{ "'):
        assert Template(Source("t.yaml", text)).pieces


def test_a_line_of_many_actions_is_read_at_once() -> None:
    text = '- "{{ a }} {{ b }} and {{ c }} or {{ d }}" ' * 50 + "\n{{ a }}-{{ b }} " + "{{ c }} " * 200 + "\n{{ a }}{b}: c\n"
    lines = [line for piece in Template(Source("t.yaml", text)).pieces for line in piece.lines]
    assert [line.key for line in lines] == [None, None, "{{ a }}{b}"]
