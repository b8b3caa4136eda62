"""ML002 unreadable-file."""

from __future__ import annotations

from meshlint.api import Impact, Severity, engine_rule

unreadable_file = engine_rule(
    "ML002",
    "unreadable-file",
    Severity.ERROR,
    impact=Impact.ADVICE,
    remedy="Make the file readable as UTF-8 text, or exclude it.",
    doc="""A file cannot be opened, or is no text in an encoding that YAML allows, so nothing of it was checked.

    The finding names the file and the reason: missing permission, a path that is not a regular file (a pipe, a socket), or
    bytes that are neither UTF-8 nor UTF-16. Everything that the file holds is missing from every answer, which may also
    make other findings wrong: an object that it defines looks undefined.

    Remedy: give the user that runs the check the permission to read the file, save it as UTF-8, or leave it out knowingly
    with `exclude`. There is no automatic fix.

    Not reported when: the file is excluded, or is none that manifests stand in by its name.
    """,
)
