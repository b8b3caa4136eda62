"""An application of Argo CD, Flux or helmfile, and the sources it applies."""

from __future__ import annotations

from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.render.draft import Draft
from meshlint.render.find.fill import unfilled
from meshlint.render.recipe import Missing, Parameter, Values

HERE = ""  # the cluster that the application itself is applied to


class Source(NamedTuple):
    """One folder that an application applies. `folder`: None where the repository does not hold it, for the reason that is
    said. `said`: as the application names it. `tool`: the one it asks for, empty: as the folder tells.
    `recurse`, `include` and `exclude` choose the files of a plain directory, which takes the kustomizations below it with it if
    it is `mixed` (Flux). `plain`: what is in it is known without having it. `unsure`: parameters of generators or Secrets that only
    a cluster knows go into it. The rest is as a Recipe has it."""

    said: str
    folder: str | None
    reason: str | None = None
    tool: str = ""
    release: str = ""
    namespace: str = ""
    values: tuple[Values, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    include_crds: bool = True
    overlay: tuple[tuple[str, Node], ...] = ()
    substitute: tuple[tuple[str, str, Node], ...] | None = None
    missing: tuple[Missing, ...] = ()
    recurse: bool = True
    include: str = ""
    exclude: str = ""
    mixed: bool = False
    plain: bool = False
    unsure: bool = False


def no_values(item: Node) -> Missing:
    """What is said of a values file that is named and not here."""
    said = f"values file {unfilled(item)}"
    return Missing(f"a template decides which {said} is" if item.unknown else f"{said} is not in the repository", item)


class Application(NamedTuple):
    """`by`: argocd, flux (a Kustomization), release (a HelmRelease) or helmfile. `cluster`: where it is applied: HERE, the
    name or address of another cluster, None: not known. `made`: namespaces that are made with it. `lost`: what of it is not
    followed."""

    by: str
    name: str
    at: Node
    cluster: str | None
    sources: tuple[Source, ...]
    made: tuple[Draft, ...] = ()
    lost: tuple[Missing, ...] = ()
