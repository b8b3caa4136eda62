"""YAML text to tables: values, aliases, merges, tags, templates."""

import pytest
import yaml
from read_helpers import plain, root, tables

from meshlint.model.node import UNKNOWN
from meshlint.model.position import Source
from meshlint.read import events
from meshlint.read.compose import compose
from meshlint.read.errors import ReadError


@pytest.fixture(params=["lines", "libyaml", "python"], autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "lines":
        monkeypatch.setattr("meshlint.read.compose.rows_of", lambda text: None)
    if request.param == "python":
        monkeypatch.setattr(yaml, "__with_libyaml__", False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: '1'\nc: on\nd:\n", {"a": 1, "b": "1", "c": True, "d": None}),
        ("y: 1\n80: 2\n'n': 3\n", {"true": 1, "80": 2, "n": 3}),
        ("a: =\n", {"a": "="}),
        ("a: 1\na: 2\n", {"a": 2}),
        ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
        ("&k a: 1\nb: *k\n", {"a": 1, "b": "a"}),
        ("a: &k b\n*k : 1\n", {"a": "b", "b": 1}),
        ("a: !!str 1\nb: !!int '3'\nc: !!float 3\nd: ! on\n", {"a": "1", "b": 3, "c": 3.0, "d": "on"}),
        ("a: !Ref x\nb: !env_var X\nc: !!binary aGk=\nd: !vault |\n  x\n", dict.fromkeys("abcd", UNKNOWN)),
        ("a: !reference [x, y]\nb: 1\n", {"a": UNKNOWN, "b": 1}),
        ("!Thing\na: 1\n", {"a": 1}),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y\n", {"a": "x\ny\n", "b": "x y"}),
        ("- [1, [2, {a: 3}]]\n-\n  - 4\n", [[1, [2, {"a": 3}]], [4]]),
        ("[a, b]: 1\n? {c: d}\n: 2\n", {"[a, b]": 1, "{c: d}": 2}),
        ("a: {b, c: }\n", {"a": {"b": None, "c": None}}),
        ("a: ''\nb: 'y'\n", {"a": "", "b": "y"}),
    ],
)  # fmt: skip
def test_values(text: str, value: object) -> None:
    assert plain(root(text)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<<: *m\nk: 1\n", {"k": 1, "z": 0}),
        ("k: 1\n<<: *m\n", {"k": 1, "z": 0}),
        ("<<: [*m, *n]\n", {"k": 5, "z": 0, "q": 7}),
        ("<<: [*n, *m]\n", {"k": 6, "z": 0, "q": 7}),
        ("<<: {k: 2}\n", {"k": 2}),
        ("'<<': {k: 2}\n", {"<<": {"k": 2}}),
        ("<<: text\n", {"<<": "text"}),
    ],
)
def test_merge_keys(text: str, value: dict[str, object]) -> None:
    body = "".join(f"  {line}\n" for line in text.splitlines())
    node = root(f"m: &m {{k: 5, z: 0}}\nn: &n {{k: 6, q: 7}}\na:\n{body}")
    assert plain(node.get("a")) == value


def test_merged_entries_stand_where_they_are_written() -> None:
    node = root("m: &m {k: 5}\na: {<<: *m}\n")
    assert node.get("a", "k") == node.get("m", "k")


def test_an_alias_shares_the_value_and_has_its_own_place() -> None:
    node = root("a: &x {b: 1}\nc: [*x]\n")
    alias = node.get("c", 0)
    assert alias.value is node.get("a").value
    assert alias.path == ("c", 0)
    assert alias.span.start.line == 1
    assert alias.get("b").path == ("a", "b")


@pytest.mark.parametrize(
    "text",
    ["{{ .Values.x }}", "{{.x}}", '{{ .x | default "a" }}', "'{{ x }}-svc'", "a-${NAME}", "${x:-y}", "$(NAME)-a", "x-#{Host}", "<%= x %>",
     "a{% x %}",     "'(@= data.values.x @)'", "$NAMESPACE", "'[[ .x ]]'", "${{X}}",
     "shop.<secret:domain>", "<path:kv/data/shop#host | base64encode>"],
)  # fmt: skip
def test_templates_are_unknown(text: str) -> None:
    assert plain(root(f"a: {text}\nb: c\n")) == {"a": UNKNOWN, "b": "c"}


@pytest.mark.parametrize(
    "text",
    ["^foo$", "^/(a|b)$|^c$", "'x{2}'", "'[[:alpha:]]+'", "(.*)@example.com", "'#{2}'", "$", "a$b", "'*'", "5%", "(?P<path>.*)", "a<path"],
)
def test_regular_expressions_are_not_templates(text: str) -> None:
    assert root(f"a: {text}\nb: 'x{{{{ y }}}}'\n").get("a").value == text.strip("'")


def test_a_script_in_a_block_stays_text() -> None:
    assert root("a: |\n  echo ${HOME} {{ x }}\n  done\n").get("a").value == "echo ${HOME} {{ x }}\ndone\n"


def test_ytt_comments_give_values() -> None:
    node = root("#@ load('x')\na: #@ data.values.ns\nb: 1 #@ f()\nc: 2 # plain\nd: 3 #@overlay/match missing_ok=True\n")
    assert plain(node) == {"a": UNKNOWN, "b": UNKNOWN, "c": 2, "d": 3}


def test_several_documents() -> None:
    assert [plain(table.root) for table in tables("a: &x 1\n---\n--- # c\nb: 2\n--- {c: 3}\n...\n")] == [{"a": 1}, None, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize(
    ("text", "rule", "offset"),
    [
        ("a: *b\n", "yaml-syntax", 3),
        ("a: &b [1, *b]\n", "yaml-syntax", 10),
        ("é: 1\nb: [\n", "yaml-syntax", 10),
        ("😀: 1\nb: \x07\n", "yaml-syntax", 8),
        ("a: &x 1\n---\nb: *x\n", "yaml-syntax", 15),
    ],
)
def test_refusals_name_the_place(text: str, rule: str, offset: int) -> None:
    with pytest.raises(ReadError) as caught:
        compose(text, Source("a.yaml", text))
    assert (caught.value.rule, caught.value.offset) == (rule, offset)


@pytest.mark.parametrize(("text", "beyond"), [("[" * 30_000, 0), ("{[" + "[" * 3_000, 1)])
def test_depth_is_limited(text: str, beyond: int, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = events.MAX_DEPTH if yaml.__with_libyaml__ else 200  # the parser in Python takes the square of the depth
    monkeypatch.setattr(events, "MAX_DEPTH", limit)
    with pytest.raises(ReadError) as caught:
        compose(text, Source("a.yaml", text))
    assert (caught.value.rule, caught.value.offset) == ("limit-reached", limit + beyond)


def test_a_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(ReadError, match="aliases") as caught:
        tables("\n".join(lines))
    assert caught.value.rule == "limit-reached"


def test_a_colon_at_the_end_of_a_plain_scalar_in_brackets() -> None:
    if not yaml.__with_libyaml__:
        pytest.skip("the pure Python parser reads a mapping here")
    node = root("a: [1.2.3.4, 2001:db8::]\nb: [2001:db8::, x]\n")
    assert plain(node) == {"a": ["1.2.3.4", "2001:db8::"], "b": ["2001:db8::", "x"]}
