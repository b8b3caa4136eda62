"""The keys that a document holds tell which rules can find anything in it, however much of it is read."""

from pathlib import Path

import pytest

from meshlint.read.file import read_text
from tests.door import call
from tests.unit.cache.test_cache_compact import CRD, TEXTS, again

ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: a}
spec:
  hosts: [a]
  http:
  - corsPolicy: {allowOrigins: [{regex: '.*'}]}
    route: [{destination: {host: a}}]
"""


@pytest.mark.parametrize("text", TEXTS)
def test_keys_are_those_of_the_whole_document(text: str) -> None:
    parsed = read_text(text, "a.yaml", parse_all=True)
    wanted = [document.root.table.keys for document in parsed.documents]
    assert all(wanted)
    for file in (read_text(text, "a.yaml"), again(read_text(text, "a.yaml"))):
        assert [document.root.table.keys for document in file.documents] == wanted


def test_keys_of_a_document_that_is_cut_reach_into_its_body() -> None:
    (document,) = read_text(CRD, "a.yaml").documents
    assert {"metadata", "name", "spec", "x"} <= document.root.table.keys
    assert "y" not in document.root.table.keys


def test_merged_keys_are_keys() -> None:
    (document,) = read_text("kind: A\napiVersion: v1\na: &x {b: 1}\nc: {<<: *x}\n", "a.yaml").documents
    assert document.root.get("c", "b").value == 1
    assert document.root.table.keys == {"kind", "apiVersion", "a", "b", "c"}


def test_a_rule_is_called_where_a_key_that_it_needs_is(tmp_path: Path) -> None:
    """ML116 is about corsPolicy; ML105 about any VirtualService."""
    (tmp_path / "with.yaml").write_text(ROUTE, encoding="utf-8")
    (tmp_path / "without.yaml").write_text(ROUTE.replace("corsPolicy", "headers").replace("name: a,", "name: b,"), encoding="utf-8")
    profile = call(".", "--profile", "--exit-zero", cwd=tmp_path).err.splitlines()
    calls = {line.split()[0]: int(line.split()[3]) for line in profile if line.startswith("ML")}
    assert (calls["ML105"], calls["ML116"]) == (2, 1)
    (tmp_path / "with.yaml").unlink()
    assert "ML116" not in call(".", "--profile", "--exit-zero", cwd=tmp_path).err


def test_what_kustomize_sets_is_there_without_being_written(tmp_path: Path) -> None:
    """The label that binds the Service to a waypoint stands in the kustomization only."""
    files = {
        "base/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n",
        "base/kustomization.yaml": "resources: [service.yaml]\nnamespace: a\nlabels:\n- pairs: {istio.io/use-waypoint: none-here}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert "ML401" in call(".", "--render", "never", "-o", "concise", cwd=tmp_path).out


def test_domains_of_labels_stand_for_them() -> None:
    (document,) = read_text("kind: A\napiVersion: v1\nmetadata: {labels: {istio.io/rev: a, b: c/d}}\n", "a.yaml").documents
    keys = document.root.table.keys
    assert {"istio.io/", "istio.io/rev"} <= keys
    assert "c/" not in keys


def test_documents_of_one_sort_share_their_keys() -> None:
    one, other = (read_text(f"kind: A\napiVersion: v1\na: {value}\n", "a.yaml").documents[0] for value in "xy")
    assert one.root.table.keys is other.root.table.keys
