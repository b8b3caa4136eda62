"""Patches that change what rules read, and are not followed: said, never passed over."""

from __future__ import annotations

from pathlib import Path

import pytest
from render_helpers import Repo, obj

ROUTE = obj("VirtualService", "web", "shop", "spec: {hosts: [web]}\n")
MERGE = """
patches:
- path: web.yaml
"""
OPERATIONS = """
patches:
- target: {kind: VirtualService}
  patch: |-
    - {op: add, path: /spec/http, value: []}
"""
LEGACY = """
patchesStrategicMerge:
- web.yaml
"""
LABELS = """
patches:
- target: {kind: VirtualService}
  patch: |-
    - {op: add, path: /metadata/labels, value: {a: b}}
"""
REPLACED = """
replacements:
- source: {kind: Deployment, name: web}
  targets:
  - select: {kind: VirtualService}
    fieldPaths: [spec.hosts.0]
"""
REPLACED_BY_FILE = """
replacements:
- path: hosts.yaml
"""
REPLACED_ELSEWHERE = """
replacements:
- source: {kind: VirtualService, name: web}
  targets:
  - select: {kind: Deployment}
    fieldPaths: [metadata.labels.web]
"""
ANOTHER = """
patches:
- target: {kind: VirtualService, name: api}
  patch: |-
    - {op: add, path: /spec/http, value: []}
"""
WORKLOAD = """
patches:
- target: {kind: Deployment}
  patch: |-
    - {op: replace, path: /spec/replicas, value: 2}
"""


def overlay(folder: Path, patches: str) -> Repo:
    repo = Repo(folder).write("base/kustomization.yaml", "resources: [all.yaml]\n")
    repo.write("base/all.yaml", ROUTE, obj("Deployment", "web", "shop"))
    repo.write("prod/web.yaml", obj("VirtualService", "web", "shop", "spec: {gateways: [mesh]}\n"))
    return repo.write("prod/kustomization.yaml", "resources: [../base]" + patches)


@pytest.mark.parametrize(("patches", "field"), [(MERGE, "spec"), (LEGACY, "spec"), (OPERATIONS, "/spec/http")])
def test_a_changed_spec_is_said(patches: str, field: str, tmp_path: Path) -> None:
    built = overlay(tmp_path, patches).built()
    said = f"a patch changes {field} of VirtualService web, which is not followed"
    assert [environment.reason for environment in built.list if environment.name == "prod"] == [said]
    assert [(trouble.rule, trouble.file) for trouble in built.troubles] == [("not-analysed", "prod/kustomization.yaml")]
    assert built.troubles[0].message == said


@pytest.mark.parametrize("text", [REPLACED, REPLACED_BY_FILE])
def test_a_replaced_field_is_said_and_its_object_known_in_part_only(text: str, tmp_path: Path) -> None:
    repo = overlay(tmp_path, text).write("prod/hosts.yaml", REPLACED.partition("\n")[2].partition("\n")[2])
    built = repo.built()
    assert built.troubles[0].message == "a replacement changes spec.hosts.0 of VirtualService web, which is not followed"
    (environment,) = (one for one in built.list if one.name == "prod")
    assert {resource.title: resource.partial for resource in environment.resources} == {
        "VirtualService shop/web": True,
        "Deployment shop/web": False,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: a, namespace: b}\n", "what its NamespaceTransformer changes"),
        ("apiVersion: example.com/v1\nkind: Fill\nmetadata: {name: a}\n", "what its Fill changes"),
        ("apiVersion: builtin\nkind: ReplicaCountTransformer\nmetadata: {name: a}\n", ""),
    ],
)
def test_transformers_are_said(text: str, said: str, tmp_path: Path) -> None:
    inline = "".join(f"  {line}\n" for line in text.splitlines())
    for transformers in ("\ntransformers: [t.yaml]\n", f"\ntransformers:\n- |\n{inline}"):
        built = overlay(tmp_path, transformers).write("prod/t.yaml", text).built()
        assert [trouble.message for trouble in built.troubles] == ([f"{said} is not followed"] if said else [])


@pytest.mark.parametrize("patches", [LABELS, ANOTHER, WORKLOAD, REPLACED_ELSEWHERE])
def test_what_is_followed_or_read_by_no_rule_is_not_said(patches: str, tmp_path: Path) -> None:
    built = overlay(tmp_path, patches).built()
    assert not [trouble for trouble in built.troubles if "not followed" in trouble.message]
