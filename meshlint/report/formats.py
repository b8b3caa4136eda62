"""The output formats by name; a format's module is imported only when it is used."""

from __future__ import annotations

from typing import Any, Protocol, TextIO, cast

from meshlint.report.result import Result

FORMATS = {
    "text": "meshlint.report.text",
    "concise": "meshlint.report.concise",
    "json": "meshlint.report.json_v1",
    "sarif": "meshlint.report.sarif",
    "github": "meshlint.report.github",
    "gitlab": "meshlint.report.gitlab",
    "junit": "meshlint.report.junit",
    "rdjson": "meshlint.report.rdjson",
    "markdown": "meshlint.report.markdown",
}
"""Name of a format: its module, which has `write(result, out, **options)`."""


class Writer(Protocol):
    """Write the findings, and nothing else, to `out`. Options that a format does not know are ignored."""

    def __call__(self, result: Result, out: TextIO, **options: Any) -> None: ...


def writer(name: str) -> Writer:
    """The writer of a format; an unknown name is a KeyError."""
    from importlib import import_module

    return cast("Writer", import_module(FORMATS[name]).write)
