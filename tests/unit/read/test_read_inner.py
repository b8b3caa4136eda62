"""Documents inside of strings, with places in the outer file."""

import pytest
from read_helpers import key_written, plain, written

from meshlint.model.document import Document, FileRead
from meshlint.read.file import read_text

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\ndata:\n"


def only(read: FileRead) -> Document:
    (document,) = read.documents
    return document


@pytest.mark.parametrize("mark", ["|", "|-", "|+", "|4", "| # c", "&a |"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_literal_blocks_are_mapped_line_by_line(mark: str, line_break: str) -> None:
    text = HEAD + f"  mesh: {mark}\n\n      # 😀\n      defaultConfig:\n        x: 'é'\n\n      trustDomain: a  \n  b: c\n"
    if mark == "|4":
        text = text.replace("      ", "    ").replace("mesh: |4", "mesh: |2")
    text = text.replace("\n", line_break)
    ((path, root),) = only(read_text(text, "a.yaml")).inner
    assert (path, plain(root), root.table.exact) == ("data.mesh", {"defaultConfig": {"x": "é"}, "trustDomain": "a"}, True)
    assert (key_written(root.get("defaultConfig")), key_written(root.get("defaultConfig", "x"))) == ("defaultConfig", "x")
    assert (written(root.get("defaultConfig", "x")), written(root.get("trustDomain"))) == ("'é'", "a")
    assert root.get("trustDomain").span.start.line == text[: text.index("trustDomain")].count("\n")
    assert root.file == "a.yaml"


@pytest.mark.parametrize("value", ["'{trustDomain: a}'", '"trustDomain: a\\n"', ">-\n    trustDomain:\n    a\n"])
def test_other_strings_stand_as_a_whole(value: str) -> None:
    document = only(read_text(f"{HEAD}  mesh.yaml: {value}\n  b: c\n", "a.yaml"))
    ((path, root),) = document.inner
    assert (path, root.table.exact, plain(root)) == ('data["mesh.yaml"]', False, {"trustDomain": "a"})
    outer = document.root.get("data", "mesh.yaml")
    assert root.get("trustDomain").span == root.get("trustDomain").key_span == outer.span


@pytest.mark.parametrize(
    ("entry", "paths"),
    [
        ("mesh: 'a: 1'", ["data.mesh"]),
        ("values: '{meshConfig: {rootNamespace: x}}'", ["data.values"]),
        ("values: 'a: 1'", []),
        ("values.yaml: 'a: 1'", ['data["values.yaml"]']),
        ("dashboard.json: '{\"a\": 1}'", []),
        ("script.sh: 'trustDomain: a'", []),
        ("mesh: ''", []),
        ("mesh: 'just trustDomain'", []),
    ],
)
def test_which_strings_are_looked_into(entry: str, paths: list[str]) -> None:
    read = read_text(f"{HEAD}  {entry}\n", "a.yaml")
    assert [path for path, _ in only(read).inner] == paths
    assert read.troubles == ()


def test_a_broken_mesh_is_a_finding_at_its_place() -> None:
    read = read_text(f"{HEAD}  mesh: |\n    trustDomain: a\n    defaultConfig: [\n  other.yaml: |\n    meshConfig: [\n", "a.yaml")
    (trouble,) = read.troubles
    assert (trouble.rule, only(read).kind) == ("yaml-syntax", "ConfigMap")
    assert trouble.message.startswith("in data.mesh: ")
    assert trouble.span is not None
    assert trouble.span.start.line in (5, 6)


def test_helm_values_of_argo_applications() -> None:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        a: 1\n"
        "  sources:\n  - helm: {values: 'b: 2'}\n  - chart: x\n"
    )
    found = only(read_text(text, "a.yaml")).inner
    assert [(path, plain(root)) for path, root in found] == [
        ("spec.source.helm.values", {"a": 1}),
        ("spec.sources[0].helm.values", {"b": 2}),
    ]
    many = text.replace("Application", "ApplicationSet").replace(
        "spec:\n", "spec: {template: {spec: {source: {helm: {values: 'c: 3'}}}}}\nx:\n"
    )
    assert [path for path, _ in only(read_text(many, "a.yaml")).inner] == ["spec.template.spec.source.helm.values"]
    both = many.replace("{values: 'c", "{valuesObject: {}, values: 'c")
    assert not only(read_text(both, "a.yaml")).inner  # Argo CD passes over the text then


def test_items_of_a_list_are_looked_into() -> None:
    body = "".join(f"  {line}\n" for line in f"{HEAD}  mesh: 'trustDomain: a'".splitlines())
    read = read_text(f"apiVersion: v1\nkind: List\nitems:\n-{body[1:]}", "a.yaml")
    assert [path for path, _ in only(read).inner] == ["data.mesh"]
