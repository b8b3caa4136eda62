"""What a file says survives being packed, encoded, and opened again."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlint.cache.compact import PackedTable, pack
from meshlint.cache.store import decoded, encoded
from meshlint.model.document import FileRead
from meshlint.model.later import WORDS, LaterSource, words_of
from meshlint.model.node import UNKNOWN, Node
from meshlint.model.position import Source
from meshlint.read.file import read_text
from meshlint.read.many import Many, Reading

CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec:\n  x: " + "y" * 2_000 + "\n"
TEXTS = [
    "",
    "a: 1\n",
    "apiVersion: v1\nkind: Pod\nspec: {a: [1, -2.5, 1e400, 18446744073709551615, yes, ~, 'x', {b: c}]}\n",
    "a: &x {b: [c]}\nd: *x\ne: {<<: *x, f: g}\nb: &s text\nh: *s\n",
    "a: 1\na: 2\n? [x]\n: y\n1: 2\n",
    "a: {{ .x }}\nb: ${C}\n",
    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- {apiVersion: v1, kind: Service}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\ndata:\n  mesh: |\n    trustDomain: a\n  meshNetworks: 'networks: {}'\n",
    "apiVersion: rbac/v1\nkind: Role\nrules: [a]\n---\nkind: Gateway\nmetadata: {name: a}\n---\n" + CRD + "---\na: 😀\n",
    "a: [\n",
    "{{ if x }}\nkind: Service\n",
    '{"a": "\\ud800", "b":\t1}',
]


def again(file: FileRead) -> FileRead:
    read = LaterSource(file.path, lambda: file.source.text if file.source else "")
    found = decoded(encoded(pack(file)), file.path, read)
    assert found is not None
    return found


def value(node: Node) -> object:
    if node.is_map:
        return {key: value(below) for key, below in node.items()}
    return [value(item) for item in node.each()] if node.is_list else repr(node.value)


def everything(file: FileRead) -> object:
    return (
        [
            (d.api_version, d.kind, value(d.root), places(d.root), [(path, value(at), places(at)) for path, at in d.inner])
            for d in file.documents
        ],
        file.troubles, file.skipped, file.skipped_kinds, file.template, file.source is None,
    )  # fmt: skip


def places(root: Node) -> object:
    table = root.table
    columns = (table.starts, table.ends, table.key_starts, table.key_ends, table.parents)
    return (root.row, table.exact, table.steps, [list(column) for column in columns])


@pytest.mark.parametrize("text", TEXTS)
def test_a_file_stays_what_it_is(text: str) -> None:
    file = read_text(text, "a.yaml")
    assert everything(again(file)) == everything(file)
    assert everything(again(again(file))) == everything(file)


@given(st.recursive(st.sampled_from(["a", "{}", "[]", "1", "*x", "{{ b }}", "''"]), lambda below: st.lists(below, max_size=3).map(
    lambda parts: "[" + ", ".join(parts) + "]") | st.lists(below, max_size=3).map(
    lambda parts: "{" + ", ".join(f"k{number}: {part}" for number, part in enumerate(parts)) + "}")))  # fmt: skip
def test_any_value_stays_what_it_is(flow: str) -> None:
    file = read_text(f"x: &x {{y: z}}\nspec: {flow}\n", "a.yaml")
    assert everything(again(file)) == everything(file)


def test_an_alias_stays_the_same_collection() -> None:
    root = again(read_text("a: &x {b: c}\nd: *x\n", "a.yaml")).documents[0].root
    assert root.get("a").value is root.get("d").value
    assert root.get("d").path == ("d",)


def test_what_a_template_fills_in_stays_unknown() -> None:
    assert again(read_text("a: {{ x }}\n", "a.yaml")).documents[0].root.get("a").value is UNKNOWN


def test_neither_text_nor_table_is_opened_unasked() -> None:
    def unasked() -> str:
        raise AssertionError("the text was read")

    file = read_text("apiVersion: v1\nkind: Pod\nspec: {image: meshConfig}\n---\napiVersion: rbac/v1\nkind: Role\n", "a.yaml")
    found = decoded(encoded(pack(file)), "a.yaml", LaterSource("a.yaml", unasked))
    assert found is not None
    assert found.source is not None
    assert [found.source.holds(word) for word in ("meshConfig", "/pilot")] == [True, False]
    assert {"meshConfig", "/pilot"} <= WORDS
    pod = found.documents[0].root
    assert isinstance(pod.table, PackedTable)
    assert pod.get("spec", "image").text == "meshConfig"
    with pytest.raises(AssertionError, match="the text was read"):
        found.documents[1].root.get("rules")


NO_SUCH_TABLE = msgspec.msgpack.encode([[[9, 0, "", "", []]], [], None, [], False, [], []])


@pytest.mark.parametrize("content", [b"", b"\xc1", msgspec.msgpack.encode([1]), NO_SUCH_TABLE])
def test_what_is_damaged_is_nothing(content: bytes) -> None:
    assert decoded(content, "a.yaml", LaterSource("a.yaml", str)) is None


@pytest.mark.parametrize("text", ["", "meshlint: x", "a/pilot meshlint.dev/ignore", "PILOT_ENABLE_AMBIENT", "meshConfig ExportTo /ztun"])
def test_the_words_of_a_text(text: str) -> None:
    source = Source("a.yaml", text)
    assert words_of(source) == [word for word in sorted(WORDS) if word in text]
    assert all(source.holds(word) == (word in text) for word in (*WORDS, "other", "mesh"))


def test_a_long_text_is_read_again_when_it_is_looked_at(tmp_path: Path) -> None:
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\n# meshlint: x\n{'# long' * 8_000}\n"
    for number in range(60):
        (tmp_path / f"{number}.yaml").write_text(text)
    many = Many(str(tmp_path), Reading(None, 1))
    found = {file.path: file.source for file in many.read([f"{number}.yaml" for number in range(60)])}
    (tmp_path / "1.yaml").write_text("changed")
    first, second = found["0.yaml"], found["1.yaml"]
    assert first is not None
    assert second is not None
    assert (first.glance(), first.text, first.position(0).line, second.holds("meshlint:")) == (text, text, 0, True)
    assert (second.glance(), second.text) == ("changed", "changed")
