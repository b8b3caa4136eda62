"""What brings the CRDs of Gateway API, and of which release and channel it says it is."""

from __future__ import annotations

from pathlib import Path

from tests.unit.index.test_index_installers import mesh, repository

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: httproutes.gateway.networking.k8s.io
  annotations: {gateway.networking.k8s.io/bundle-version: v1.4.1, gateway.networking.k8s.io/channel: experimental}
"""
REMOTE = "https://github.com/kubernetes-sigs/gateway-api/config/crd?ref=v1.3.0"
ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: crds}
spec: {source: {repoURL: "https://github.com/kubernetes-sigs/gateway-api", targetRevision: v1.5.1, path: config/crd/experimental}}
"""
FLUX = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: crds}
spec: {url: "https://github.com/kubernetes-sigs/gateway-api", ref: {tag: v1.2.0}}
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n"


def test_each_form(tmp_path: Path) -> None:
    found = mesh(tmp_path, a_yaml=f"{CRD}---\n{ARGO}---\n{FLUX}").crd_sources(anywhere=True)
    said = [(str(source.bundle), source.channel, source.name) for source in found]
    assert said == [("1.4.1", "experimental", "httproutes.gateway.networking.k8s.io"), ("1.5.1", "experimental", ""), ("1.2.0", "", "")]


def test_a_kustomization_and_other_environments(tmp_path: Path) -> None:
    made = repository(
        tmp_path, a__kustomization_yaml=f"resources: ['{REMOTE}', a.yaml]\n", a__a_yaml=NAMESPACE,
        b__kustomization_yaml="resources: [a.yaml]\n", b__a_yaml=CRD,
    )  # fmt: skip
    found = {e.name: [str(source.bundle) for source in made.index(e).crd_sources()] for e in made.environments}
    assert found == {"a": ["1.3.0"], "b": ["1.4.1"]}
    assert len(made.index(made.environments[0]).crd_sources(anywhere=True)) == 2
