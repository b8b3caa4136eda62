"""ML003 render-failed."""

from __future__ import annotations

from meshlint.api import Impact, Severity, engine_rule

render_failed = engine_rule(
    "ML003",
    "render-failed",
    Severity.ERROR,
    impact=Impact.ADVICE,
    remedy="Run the command that the message names in that folder and repair what it says.",
    doc="""kustomize or helm ran on what the repository says is applied, and did not succeed.

    A kustomization, or a chart that an application installs (Argo CD, Flux, helmfile), does not build: what runs in the cluster is
    older than what stands in git, or the delivery fails. The finding stands at the kustomization or the application and tells
    the first line of what the tool said. The environment is judged by the static view meanwhile, so there can be findings that
    would be missing, or missing ones that would be there, if it were rendered.

    Remedy: run `kustomize build` or `helm template` on it and repair what it says. `--render never` leaves the tools out. There is
    no automatic fix.

    Not reported when: the tools are not on the PATH, or `--render never`; something that the repository does not hold was left out
    (a remote base, a chart, a values file), or nothing in the repository installs the chart, so that only its default values were
    tried: both are notes of not-analysed.
    """,
)
