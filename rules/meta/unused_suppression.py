"""ML005 unused-suppression."""

from __future__ import annotations

from meshlint.api import Impact, Severity, engine_rule

unused_suppression = engine_rule(
    "ML005",
    "unused-suppression",
    Severity.WARNING,
    impact=Impact.ADVICE,
    remedy="Remove it, or correct the rule that it names.",
    doc="""An ignore comment, annotation or entry of the configuration takes no finding, or names no rule.

    What it was written for is repaired, or it never worked: a rule misspelt, a comment on the wrong line, an annotation on
    another object. It would also hide the same mistake when somebody makes it again.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: reviews
      namespace: shop
    spec:
      ports:
        - name: http
          port: 9080 # meshlint: ignore[vs-retries] no route is written here # expect: ML005
    ```

    Remedy: remove it; of several rules, those that take nothing. The fix does that for comments and is safe: it changes
    nothing but a comment that has no effect. It leaves alone what looks misspelt, and annotations and configurations.

    Not reported when: a rule that it names was not run (`--select`, `--ignore`), only some environments were judged
    (`--environment`), a file was judged alone (`--context none`) or could not be read, or a rule failed.
    """,
)
