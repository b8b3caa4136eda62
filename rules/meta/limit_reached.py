"""ML007 limit-reached."""

from __future__ import annotations

from meshlint.api import Impact, Severity, engine_rule

limit_reached = engine_rule(
    "ML007",
    "limit-reached",
    Severity.ERROR,
    impact=Impact.ADVICE,
    remedy="Split the file, or exclude it if it holds no manifests.",
    doc="""A bound on size, nesting or aliases cut the reading of a file short, so what is behind it was not checked.

    The bounds keep a run short and its memory small on hostile input: a text of gigabytes, aliases that unfold to billions
    of values, brackets nested a million deep. Manifests do not come near them: the API server itself takes objects of
    about 1.5 MB. The finding says which bound was met, and what was left out.

    Remedy: split the file into smaller ones, write out the aliases, or leave the file out with `exclude`. There is no
    automatic fix.

    Not reported when: the file is excluded.
    """,
)
