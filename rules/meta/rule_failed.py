"""ML006 rule-failed."""

from __future__ import annotations

from meshlint.api import Impact, Severity, engine_rule

rule_failed = engine_rule(
    "ML006",
    "rule-failed",
    Severity.ERROR,
    impact=Impact.ADVICE,
    remedy="Report it together with the object, and leave the rule out with --ignore until it is repaired.",
    doc="""A rule raised an exception on an object: what it would have said of this object is not known.

    The finding names the rule, the object and the exception. The same rule goes on with the other objects, and all other
    rules are not affected. The exit code is 2, whatever `--fail-on` says: a check that did not run is no passed check.

    Remedy: for a bundled rule, report it with the object that it stands at; for a plugin's rule, ask its author. Until
    then `--ignore RULE` leaves it out. There is no automatic fix.

    Not reported when: the failing rule is not selected.
    """,
)
