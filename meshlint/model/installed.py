"""The questions a rule may ask about how Istio and the CRDs are installed (part of meshlint.model.mesh.Mesh)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from meshlint.model.answers import MeshSetting
from meshlint.model.installation import CrdSource, Installer
from meshlint.model.node import Node


class Installed(Protocol):
    """What the files tell of the installation."""

    def mesh_settings(self) -> Sequence[MeshSetting]:
        """Every MeshConfig the environment's files hold: IstioOperator, Istio CR, ConfigMap, Helm values, vendors' installers."""
        ...

    def ambient_control_plane(self) -> bool | None:
        """Does the repository's installation run the ambient profile (or PILOT_ENABLE_AMBIENT); None: it holds no installation."""
        ...

    def dns_capture(self) -> Node | None:
        """The CNI's setting `ambient.dnsCapture` in the installation's values; None where it is not set."""
        ...

    def istiod_env(self, variable: str) -> str | None:
        """What the environment's installation sets a variable of istiod's environment to (IstioOperator, Istio CR, Helm values
        of HelmReleases and Argo CD Applications, the istiod Deployment); None: it does not set it."""
        ...

    def installers(self, component: str, anywhere: bool = False) -> Sequence[Installer]:
        """What installs a component ("istiod", "cni", "ztunnel"; "cilium", "istio-csr") in this environment: releases of the
        charts by Flux, Argo CD, Kustomize, helmfile or a wrapper chart, IstioOperator, the sail operator's objects, rendered
        manifests, files of values. Where the environment tells of none, the one that the other environments hold, if it is one and
        no alternative; or all that are `anywhere` in the repository. Each answers which value it sets at a path, and with which node."""
        ...

    def crd_sources(self, anywhere: bool = False) -> Sequence[CrdSource]:
        """What brings CRDs of Gateway API in this environment, or `anywhere` in the repository: the CRDs themselves, kustomizations,
        Flux GitRepositories and Argo CD Applications of its repository, with the release and channel that they say."""
        ...
