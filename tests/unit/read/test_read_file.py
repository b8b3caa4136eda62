"""Files to documents and troubles."""

import os
import socket

import pytest
from read_helpers import plain

from meshlint.model.document import FileRead
from meshlint.model.node import UNKNOWN
from meshlint.read.file import TEMPLATE_REASON, read_file, read_text


def names(read: FileRead) -> list[tuple[str, str]]:
    return [(document.api_version, document.kind) for document in read.documents]


def rules(read: FileRead) -> list[str]:
    return [trouble.rule for trouble in read.troubles]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Service\napiVersion: v1\n", [("v1", "Service")]),
        ("'apiVersion': v1\n\"kind\": Service\n", [("v1", "Service")]),
        ("a: 1\n", [("", "")]),
        ("- a\n", []),
        ("text\n", []),
        ("", []),
        ("# only a comment\n", []),
        ("---\n---\n", []),
        ("apiVersion: 1\nkind: [a]\n", [("", "")]),
        ("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- {apiVersion: v1, kind: List,"
            " items: [{kind: A, apiVersion: b/v1}]}\n"
         "- x\n",
         [("v1", "Pod"), ("b/v1", "A")]),
        ("apiVersion: v1\nkind: ServiceList\nitems:\n- {metadata: {name: a}}\n- {apiVersion: v2, kind: B}\n",
         [("v1", "Service"), ("v2", "B")]),
        ("apiVersion: v1\nkind: List\nitems: []\n", []),
        ("apiVersion: x/v1\nkind: AllowList\nspec: {}\n", [("x/v1", "AllowList")]),
    ],
)  # fmt: skip
def test_documents(text: str, expected: list[tuple[str, str]]) -> None:
    read = read_text(text, "a.yaml")
    assert names(read) == expected
    assert (read.troubles, read.skipped) == ((), None)


def test_a_broken_document_is_a_finding_and_its_neighbours_are_read() -> None:
    read = read_text("apiVersion: v1\nkind: A\n---\n# c\na:\n  b: 1\n c: 2\n---\napiVersion: v1\nkind: B\n", "a.yaml")
    assert names(read) == [("v1", "A"), ("v1", "B")]
    (trouble,) = read.troubles
    assert trouble.rule == "yaml-syntax"
    assert trouble.span is not None
    assert trouble.span.start[:2] == (6, 1)
    assert "starts at line 5" in trouble.message
    assert read.skipped is None


def test_a_file_that_is_broken_as_a_whole_is_skipped() -> None:
    read = read_text("a: [\n", "a.yaml")
    assert rules(read) == ["yaml-syntax"]
    assert read.skipped == read.troubles[0].message


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{{- if .x }}\napiVersion: v1\nkind: Service\nspec: {{ .y }}\n---\nkind: Pod\n{{ z }}\n", "a.yaml"),
        ("{% if x %}\nkind: Service\n---\nkind: Pod\n b: 1\n", "a.yaml"),
        ("kind: Service\n a: b\n---\nkind: Pod\n b: 1\n", "chart/templates/a.yaml"),
    ],
)
def test_templates_are_skipped_with_their_kinds(text: str, path: str) -> None:
    read = read_text(text, path)
    assert rules(read) == ["not-analysed"]
    assert read.skipped == TEMPLATE_REASON
    assert read.skipped_kinds == read.troubles[0].kinds == ("Pod", "Service")
    assert "Pod, Service" in read.troubles[0].message


def test_only_the_broken_part_of_a_template_is_left_out() -> None:
    read = read_text("apiVersion: v1\nkind: A\n---\n# c\n{{ if x }}\nkind: B\n---\na: {{ b }}\n", "a.yaml")
    assert names(read) == [("v1", "A"), ("", "")]
    (trouble,) = read.troubles
    assert (trouble.rule, trouble.kinds, read.skipped, read.template) == ("not-analysed", ("B",), None, True)
    assert trouble.span is not None
    assert trouble.span.start[:2] == (4, 0)
    assert read.documents[1].root.get("a").value is UNKNOWN


def test_several_broken_parts_of_a_file_are_said_once() -> None:
    read = read_text("apiVersion: v1\nkind: A\n---\n{{ if x }}\nkind: C\n---\n{{ if y }}\nkind: B\n", "a.yaml")
    (trouble,) = read.troubles
    assert trouble.message == "2 templates that do not parse as YAML (they seem to hold B, C)"
    assert trouble.span is not None
    assert trouble.span.start[:2] == (3, 0)


@pytest.mark.parametrize(
    ("text", "template"), [("a: {{ x }}\n", True), ("a: 1 #@ x\n", True), ("a: '[[:alpha:]]'\n", False), ("a: ${X}b\n", False)]
)
def test_template(text: str, template: bool) -> None:
    assert read_text(text, "a.yaml").template is template


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("kind: VirtualService\nspec: {}\n", 1),
        ("kind: Gateway\nmetadata: {name: a}\n", 1),
        ("kind: Gateway\nname: a\n", 0),
        ("kind: Deployment\nspec: {}\n", 0),
        ("apiVersion: '{{ x }}'\nkind: Gateway\nspec: {}\n", 0),
    ],
)
def test_a_kind_without_api_version(text: str, count: int) -> None:
    troubles = read_text(text, "a.yaml").troubles
    assert [trouble.rule for trouble in troubles] == ["not-analysed"] * count
    assert all(trouble.span and trouble.span.start[:2] == (0, 6) and "no apiVersion" in trouble.message for trouble in troubles)
    assert all(trouble.remedy.startswith("Write the apiVersion: ") for trouble in troubles)


def test_encrypted_values_are_unknown() -> None:
    read = read_text("data: {a: 'ENC[AES256_GCM,data:x]', b: c}\nsops: {mac: 'ENC[x]', version: '3'}\n", "a.yaml")
    assert plain(read.documents[0].root.get("data")) == {"a": UNKNOWN, "b": "c"}
    assert plain(read_text("a: ENC[x]\n", "a.yaml").documents[0].root) == {"a": "ENC[x]"}


def test_bytes_that_are_no_text(tmp_path) -> None:
    for number, content in enumerate((b"a: \xff\xfe", b"\xff\xfea", b"\x00\x01\x02", b"a: caf\xe9\n")):
        path = tmp_path / f"{number}.yaml"
        path.write_bytes(content)
        read = read_file(str(path), "a.yaml")
        assert (read.documents, read.source is None or bool(read.troubles)) == ((), True)
        assert read.skipped


def test_what_is_no_regular_file(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s.yaml"))
    for name in ("pipe.yaml", "folder.yaml", "s.yaml", "gone.yaml"):
        read = read_file(str(tmp_path / name), name)
        assert rules(read) == ["unreadable-file"], name
        assert (read.path, read.source, read.skipped) == (name, None, read.troubles[0].message)
    server.close()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission(tmp_path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n")
    path.chmod(0)
    assert rules(read_file(str(path), "a.yaml")) == ["unreadable-file"]


def test_a_file_over_the_limit(tmp_path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n" * 10)
    assert rules(read_file(str(path), "a.yaml", limit=49)) == ["limit-reached"]
    assert rules(read_file(str(path), "a.yaml", limit=50)) == []


def test_text_with_lone_surrogates_is_unreadable() -> None:
    assert rules(read_text("a: \udcff\n", "a.yaml")) == ["unreadable-file"]


def test_patterns_of_helm_are_no_yaml() -> None:
    read = read_text("*.bak\n!a: [\n", "shop/.helmignore")
    assert (read.documents, read.troubles, read.skipped) == ((), (), None)
