"""The public door: meshlint run on a folder as a user runs it, in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from meshlint.__main__ import main


class Run(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads(self.out))

    @property
    def findings(self) -> list[dict[str, Any]]:
        return list(self.report["findings"])

    def places(self) -> set[tuple[str, int, str]]:
        return {(finding["file"], finding["line"], finding["rule"]) for finding in self.findings}


class _Bytes(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined,no-any-return]


def call(*arguments: str, cwd: Path | None = None) -> Run:
    out, err = _Bytes(), _Bytes()
    before = os.getcwd()
    try:
        if cwd is not None:
            os.chdir(cwd)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(list(arguments))
            except SystemExit as stop:
                code = int(stop.code or 0)
    finally:
        os.chdir(before)
    return Run(code, out.text(), err.text())


def lint(folder: Path, *arguments: str) -> Run:
    """Lint a folder from inside it, as JSON."""
    return call("check", ".", "-o", "json", *arguments, cwd=folder)
