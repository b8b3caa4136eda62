"""ML004 not-analysed."""

from __future__ import annotations

from meshlint.api import Impact, Severity, engine_rule

not_analysed = engine_rule(
    "ML004",
    "not-analysed",
    Severity.NOTE,
    impact=Impact.ADVICE,
    remedy="Render it and check the result, or check the rendered manifests in the pipeline.",
    doc="""Something that may hold manifests was not analysed: a template that no environment renders, a remote base or chart, an
    encrypted document, or an object without an apiVersion.

    Nothing is concluded from what was not analysed, and rules that need to know the whole repository are more careful
    because of it. The note says what seems to be in there, so that a silent run is not taken for a clean one.

    ```yaml
    kind: VirtualService # expect: ML004
    metadata:
      name: reviews
    spec:
      hosts:
        - reviews
    ```

    Remedy: render the chart or overlay (`--render`), or check what the pipeline renders:
    `helm template ... | meshlint --context none --stdin-filename rendered.yaml -`.
    For an object without apiVersion: write it. There is no automatic fix.

    Not reported when: an environment of the repository renders the template; the file is excluded.
    """,
)
