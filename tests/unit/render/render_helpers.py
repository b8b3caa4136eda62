"""A repository written file by file, read and put into environments."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable
from typing import Any

from meshlint.model.document import FileRead
from meshlint.model.resource import Environment, Resource
from meshlint.read.file import read_file
from meshlint.render.environments import Environments, environments


class Repo:
    def __init__(self, folder: Any) -> None:
        self.folder = str(folder)

    def write(self, path: str, *documents: str) -> Repo:
        full = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write("---\n".join(textwrap.dedent(document).lstrip("\n") for document in documents))
        return self

    def files(self) -> list[FileRead]:
        paths = [
            os.path.relpath(os.path.join(folder, name), self.folder).replace(os.sep, "/")
            for folder, _, names in os.walk(self.folder)
            for name in names
        ]
        return [read_file(os.path.join(self.folder, path), path) for path in sorted(paths)]

    def built(self, configured: Iterable[tuple[str, list[str]]] = ()) -> Environments:
        return environments(self.files(), list(configured))

    def by_name(self, **options: Any) -> dict[str, Environment]:
        return {environment.name: environment for environment in self.built(**options).list}


def obj(kind: str, name: str | None, namespace: str | None = None, extra: str = "") -> str:
    """The text of an object; `extra` is more of it, at the outer level."""
    api = {
        "Service": "v1", "Namespace": "v1", "ServiceAccount": "v1", "Deployment": "apps/v1",
        "VirtualService": "networking.istio.io/v1", "DestinationRule": "networking.istio.io/v1", "Gateway": "networking.istio.io/v1",
        "Application": "argoproj.io/v1alpha1", "ApplicationSet": "argoproj.io/v1alpha1", "HelmRelease": "helm.toolkit.fluxcd.io/v2",
        "FluxKustomization": "kustomize.toolkit.fluxcd.io/v1",
    }[kind]  # fmt: skip
    lines = [f"apiVersion: {api}", f"kind: {'Kustomization' if kind.startswith('Flux') else kind}", "metadata:"]
    lines += [f"  name: {name}"] if name else ["  labels: {a: b}"]
    lines += [f"  namespace: {namespace}"] if namespace else []
    return "\n".join(lines) + "\n" + textwrap.dedent(extra)


def titles(resources: Iterable[Resource]) -> list[str]:
    return sorted(resource.title for resource in resources)


def places(resources: Iterable[Resource]) -> list[str]:
    return sorted(f"{resource.file} {resource.name}" for resource in resources)
