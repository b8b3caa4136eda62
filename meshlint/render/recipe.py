"""How the sources of an environment are rendered: what finding says to rendering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from meshlint.model.document import FileRead, Trouble
from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.render.draft import Draft

if TYPE_CHECKING:
    from meshlint.render.tree import Tree


class Values(NamedTuple):
    """One source of Helm values. `file`: a values file, by its path in the Tree; `node`: a mapping that is written inline
    (spec.values, valuesObject), or a text that holds YAML (helm.values of Argo CD, a key of a ConfigMap that valuesFrom names).
    `under`: the path that the values are put at (Flux valuesFrom.targetPath); a `node` that is a scalar is then the value."""

    file: str | None = None
    node: Node | None = None
    under: tuple[str, ...] = ()


class Parameter(NamedTuple):
    """One `--set`: Argo CD helm.parameters, helmfile set. `file`: the value is the text of that file (fileParameters)."""

    name: str
    value: Node
    as_string: bool = False
    file: str | None = None


class Missing(NamedTuple):
    """Something an application names and the repository does not hold: a remote chart, a Secret with values."""

    what: str
    at: Node | None = None


class Recipe(NamedTuple):
    """How ONE source is rendered. An environment has one or several.

    `tool`: kustomize, helm, or directory (its files as they are). `folder`: the kustomization's, the chart's, the directory.
    `namespace`: Helm's release namespace; for all tools, that of objects which say none. `values`: lowest precedence first,
    without the chart's own values.yaml; `parameters` go over them.
    `overlay`: what an application adds, as pairs of a field of kustomizations (patches, components, images, namespace,
    namePrefix, nameSuffix, commonLabels, commonAnnotations, labels, annotations, replicas) and the node that holds it, in the
    form of the application (images of Argo CD are texts; labels as a mapping, and annotations, are put on metadata only). For
    helm: post-rendering (Flux postRenderers). `files`: those that a directory with an overlay or substitutions takes; one
    without either has no recipe. `substitute`: Flux postBuild, name by name with the text and where it is written; None: nothing
    is substituted.
    `apart`: charts of kustomizations that are rendered besides, by the folder of the kustomization and their name.
    `applied_by`: the application, for messages. `exact`: the static view is what the tool would give. `unsure`: template
    expressions in values and parameters, and variables that nothing here sets, are what only a cluster knows.
    """

    tool: str
    folder: str
    release: str = ""
    namespace: str = ""
    values: tuple[Values, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    include_crds: bool = True
    overlay: tuple[tuple[str, Node], ...] = ()
    substitute: tuple[tuple[str, str, Node], ...] | None = None
    applied_by: Node | None = None
    missing: tuple[Missing, ...] = ()
    files: tuple[str, ...] = ()
    exact: bool = False
    unsure: bool = False
    apart: frozenset[tuple[str, str]] = frozenset()


class Outcome(NamedTuple):
    """What a recipe gave. `objects`: None where it could not be rendered, for the reason that is said; the static view stands in.
    `reason` beside objects: what of it is missing. `failed`: the tool ran and did not succeed, rather than was not run.
    `troubles` are findings about it; `sources` the templates that gave something; `output` is what the tool printed, read,
    for what looks at whole files; `missing` is what was left out because it is not here. `followed`: the static view is
    all of it, so that no tool is needed."""

    objects: tuple[Draft, ...] | None
    reason: str | None = None
    failed: bool = False
    troubles: tuple[Trouble, ...] = ()
    output: tuple[FileRead, ...] = ()
    sources: frozenset[str] = frozenset()
    missing: tuple[Missing, ...] = ()
    followed: bool = False


Render = Callable[["Tree", Sequence[Recipe]], Sequence[Outcome]]  # one outcome for each recipe, in their order


class ToolMissingError(Exception):
    """Rendering was demanded, and the tool for it is not there."""
