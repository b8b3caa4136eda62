"""ML001 yaml-syntax."""

from __future__ import annotations

from meshlint.api import Impact, Severity, engine_rule

yaml_syntax = engine_rule(
    "ML001",
    "yaml-syntax",
    Severity.ERROR,
    impact=Impact.BREAKS,
    remedy="Correct the document at the place that the parser names.",
    doc="""A document is no valid YAML (or JSON), so nothing is known of the objects in it.

    The finding stands where the parser gave up, with its reason; the fault itself is often a line or two above: a tab, an
    indentation that does not fit, a quote that is not closed. The other documents of the file, and the other files, are
    still read.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: reviews
    spec:
      ports: [9080
    # expect: ML001
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
    spec:
      ports:
        - name: http
          port: 9080
    ```

    Remedy: correct the text. There is no automatic fix: what was meant is not known.

    Not reported when: the file is a template (Helm, Go, Jinja) that is valid only once it is rendered; not-analysed names
    those.
    """,
)
