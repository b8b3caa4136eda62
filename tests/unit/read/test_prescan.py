"""The pre-scan: what is left out, and that reading with and without it tells the same."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlint.model.document import Document, FileRead
from meshlint.read.file import read_file, read_text
from meshlint.read.partial import CutMap
from meshlint.read.prescan import CUT, LATER, PARSE, plan

ROLE = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules: []\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"


def hows(text: str) -> list[str]:
    parts = plan(text)
    return [PARSE] if parts is None else [part.how for part in parts]


def everything(read: FileRead) -> object:
    """All that a file says, with what is composed late."""
    return ([told(document) for document in read.documents], read.troubles, read.skipped, read.skipped_kinds, read.template)


def told(document: Document) -> object:
    table = document.root.table
    root = document.root.value
    keys = list(root) if isinstance(root, dict) else root
    columns = (table.starts, table.ends, table.key_starts, table.key_ends, table.parents)
    values = [repr(value) for value in table.values]
    inner = [(path, node.row, node.table.values) for path, node in document.inner]
    return (document.root.row, document.api_version, document.kind, keys, values, table.steps, [list(c) for c in columns], repr(inner))


def same(text: str, path: str = "a.yaml") -> bool:
    return everything(read_text(text, path)) == everything(read_text(text, path, parse_all=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ROLE, [LATER]),
        (SERVICE, [PARSE]),
        (f"{ROLE}---\n{SERVICE}---\n{SERVICE}---\n{ROLE}", [LATER, PARSE, LATER]),
        (f"# licence\n\n---\n{ROLE}---\n# nothing\n", [LATER]),
        ("kind: Role\n# c\napiVersion: rbac/v1 # d\n\nrules: []\n", [LATER]),
        ("\"x\": 1\n", [PARSE]),
        ("--- # c\napiVersion: 'rbac/v1'\nkind: \"Role\"\na: 1\n", [LATER]),
        (ROLE.replace("\n", "\r\n"), [LATER]),
        ("# licence\r\n" * 60 + ROLE.replace("\n", "\r\n"), [LATER]),
        ("# licence\r\n" * 60 + "x: 1\r\n---\r\n" + "#\r\n" * 60, [PARSE]),
        ("apiVersion: rbac/v1\nkind: RoleList\nitems: []\n", [PARSE]),
        ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", [PARSE]),
    ],
)
def test_what_is_left_out(text: str, expected: list[str]) -> None:
    assert hows(text) == expected
    assert same(text)


HEAD = "apiVersion: rbac/v1\nkind: Role\n"


@pytest.mark.parametrize(
    "text",
    [
        "%YAML 1.1\n---\n" + HEAD,
        HEAD + "...\n---\n" + HEAD,
        HEAD + "a: b\x85c\n",
        HEAD + "a: b\u2028c\n",
        HEAD.replace("\n", "\r"),
        HEAD + "kind: Service\n",
        HEAD + "\"kind\": Service\n",
        HEAD + "? kind\n: Service\n",
        HEAD + "  Binding\nrules: []\n",
        "apiVersion: rbac/v1\nkind: Role\n  #c\n  x\n",
        "{apiVersion: rbac/v1,\nkind: Role\n}\n",
        "a: 'x\napiVersion: rbac/v1\nkind: Role\n'\n",
        "metadata: {}\napiVersion: rbac/v1\nkind: Role\n",
        "apiVersion: rbac/v1\nkind: |\n  Role\n",
        "apiVersion: rbac/v1\nkind: &a Role\n",
        "apiVersion: rbac/v1\nkind: !!str Role\n",
        "apiVersion: rbac/v1\nkind: yes\n",
        "apiVersion: rbac/v1\nkind: Null\n",
        "apiVersion: v1 #@ data.version\nkind: Role\n",
        "apiVersion: rbac/v1\nkind: Role #@ x\n",
        " apiVersion: rbac/v1\n kind: Role\n",
        "- apiVersion: rbac/v1\n  kind: Role\n",
        "apiVersion: rbac/v1\napiVersion: rbac/v2\nkind: Role\n",
        "kind: Role\nkind: Pod\napiVersion: v1\n",
        "apiVersion:rbac/v1\nkind: Role\n",
        "---x\n" + HEAD,
        "--- {a: b}\n---\n" + SERVICE,
        HEAD + "{{- if .Values.x }}\nrules: []\n{{- end }}\n",
        HEAD + "a: {{ .Values.x }}-b\n",
        HEAD + 'a: "{{ include "x" . }}"\n',
        HEAD + "a:\n  ${RULES}\n",
        HEAD + "a:\n{% if x %}\n  b: c\n{% endif %}\n",
    ],
)
def test_what_is_not_certain_is_parsed(text: str) -> None:
    assert hows(text) == [PARSE]
    assert same(text)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "a: |\n  ---\n  kind: Pod\n",
        HEAD + "a: |\n\n ---\n" + "---\n" + SERVICE,
        HEAD + "a: &x [1]\nb: *x\n---\na: *x\n",
        HEAD + "rules:\n- a\n- b\n",
        HEAD + "rules: {a: b,\nc: d}\n",
        HEAD + "a: 'b\n\n  c'\n---\n" + SERVICE,
        HEAD + "a: \"{{ $labels.pod }} is down\"\n",
        HEAD + "metadata: {name: 😀}\n---\n" + SERVICE + "# 😀\n---\n" + ROLE,
        HEAD + "sops: {mac: x}\ndata: {a: 'ENC[x]'}\n",
        HEAD + "<<: {a: 1}\n",
    ],
)
def test_what_is_left_out_can_be_looked_into(text: str) -> None:
    assert LATER in hows(text)
    assert same(text)


def crd(body: str = "", head: str = "", names: str = "x" * 2_000) -> str:
    kind = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
    return f"{kind}{head}metadata:\n  name: a.b.c\nspec:\n  group: {names}\n{body}"


def test_a_custom_resource_definition_is_read_without_its_body() -> None:
    text = f"{SERVICE}---\n{crd('status: {}')}"
    assert hows(text) == [PARSE, CUT]
    document = read_text(text, "a.yaml").documents[1]
    assert document.root.get("metadata", "name").text == "a.b.c"
    name = document.root.get("metadata", "name")
    assert not document.root.get("$patch").present
    assert isinstance(document.root.value, CutMap)
    assert document.root.get("spec", "group").text == "x" * 2_000
    assert list(document.root.value) == ["apiVersion", "kind", "metadata", "spec", "status"]
    assert (name.text, name.path) == ("a.b.c", ("metadata", "name"))
    assert same(text)


@pytest.mark.parametrize(
    "text",
    [
        crd("metadata: {name: other}\n"),
        crd("$patch: delete\n"),
        crd("  image: gcr.io/istio-release/pilot:1.20.0\n"),
        crd(head="spec: {}\n"),
        crd(names="small"),
        crd("  x: {{ .Values.y }}z\n"),
    ],
)
def test_a_custom_resource_definition_that_is_parsed_whole(text: str) -> None:
    assert hows(text) == [PARSE]
    assert same(text)


@pytest.mark.parametrize("head", ["annotations: \"a\n", "labels: {a: b,\n", "x: 'a\n"])
def test_a_body_that_is_none_is_not_cut(head: str) -> None:
    text = crd(head=head, body="  c\"'}\n")
    assert same(text)


def test_what_is_broken_and_never_looked_into() -> None:
    """The price of leaving out: known, and avoidable."""
    text = f"{HEAD}rules: [\n---\n{SERVICE}"
    read = read_text(text, "a.yaml")
    assert [document.kind for document in read.documents] == ["Role", "Service"]
    assert (read.troubles, read.documents[0].root.value) == ((), {})
    assert [trouble.rule for trouble in read_text(text, "a.yaml", parse_all=True).troubles] == ["yaml-syntax"]


def test_a_broken_document_that_is_read_is_told_as_ever() -> None:
    text = f"{ROLE}---\n{SERVICE}a: [\n---\n{ROLE}"
    assert [trouble.rule for trouble in read_text(text, "a.yaml").troubles] == ["yaml-syntax"]
    assert same(text)


BITS = st.sampled_from([
    "---\n", "--- # c\n", "---\r\n", "----\n", "...\n", "# c\n", "\n", "  \n", "\r\n", "\ta: 1\n", "%YAML 1.1\n",
    "apiVersion: v1\n", "apiVersion: rbac/v1\n", "apiVersion: 'rbac/v1' # c\n", "\"apiVersion\": rbac/v1\n",
    "apiVersion: apps/v1\r\n", "kind: Role\n", "kind: Role\r\n", "kind: \"Role\"\n", "kind: Service\n",
    "'kind': Pod\n", "kind: List\n", "kind: No\n",
    "? kind\n: Pod\n",
    "kind:\n  Pod\n", "  more\n", "metadata: {name: a}\n", "metadata:\n  name: é\n", "spec:\n  a: |\n    ---\n\n    kind: X\n",
    "a: >-\n\n  b\n",
    "a: 'b\nkind: Pod\n'\n", "a: \"b\\\nkind: Pod\"\n", "a: [b,\nkind: Pod]\n", "a: {b: c,\n}\n", "items:\n- {apiVersion: v1, kind: Pod}\n",
    "- a\n", "&x a: *x\n", "b: &x {c: d}\ne: *x\n", "<<: {kind: Pod}\n", "a: {{ b }}\n", "{{ if }}\n", "c: ${D}\n", "a: b #@ c\n",
    "a: b", "'",
])  # fmt: skip


@given(st.lists(BITS, max_size=14).map("".join))
def test_any_text_tells_the_same(text: str) -> None:
    whole, partial = read_text(text, "a.yaml", parse_all=True), read_text(text, "a.yaml")
    broken = [document for document in partial.documents if not document.root.value]
    if not broken:  # else the price: something that is left out is broken
        assert everything(whole) == everything(partial)
    else:
        assert any(trouble.rule in ("yaml-syntax", "not-analysed") for trouble in whole.troubles)


DOCUMENTS = st.lists(
    st.sampled_from([
        ROLE, SERVICE, HEAD, crd(), crd("status: {a: [b]}\n"), "a: 1\n", "# c\n", "", "{}\n", HEAD.replace("\n", "\r\n"), "\ufeff",
    ]), max_size=6
)
SEPARATORS = st.sampled_from(["---\n", "--- # kind: X\n", "\n---\r\n", "---\n---\n", "# c\n---\n", "---\t\n"])


@given(DOCUMENTS, SEPARATORS)
def test_any_documents_tell_the_same(documents: list[str], separator: str) -> None:
    assert same(separator.join(documents))


def manifests() -> Iterator[Path]:
    for folder, _, names in os.walk(os.environ.get("MESHLINT_CORPUS", "")):
        yield from (Path(folder, name) for name in names if name.endswith((".yaml", ".yml", ".json")))


@pytest.mark.corpus
@pytest.mark.skipif("MESHLINT_CORPUS" not in os.environ, reason="MESHLINT_CORPUS names no folder")
def test_real_files_tell_the_same() -> None:
    def differs(path: str) -> bool:
        return everything(read_file(path, "a")) != everything(read_file(path, "a", parse_all=True))

    assert [path for path in map(str, manifests()) if differs(path)] == []
