"""Pages of a report that the last run wrote as well: what it says of one file, told by all that it hangs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import xxhash

from meshlint.model.problem import Finding
from meshlint.report.result import Result

_encode: Final = msgspec.msgpack.Encoder().encode


class Again:
    """`known`: the pages of an earlier report by their digests; it was written with the same options by the same code."""

    def __init__(self, known: Mapping[bytes, str]) -> None:
        self._known = known
        self.pages: list[tuple[bytes, int]] = []  # of this report in their order: digest (empty: it has none) and length

    def page(self, findings: Sequence[Finding], result: Result, write: Callable[[], str]) -> str:
        """What is to be said of findings in one file."""
        key = _key(findings, result)
        text = self._known.get(key) if key else None
        if text is None:
            text = write()
        self.pages.append((key, len(text)))
        return text


def _key(findings: Sequence[Finding], result: Result) -> bytes:
    files = {findings[0].location.file, *(place.file for finding in findings for place, _ in finding.related)}
    texts = [(file, result.digest_of(file)) for file in sorted(files)]
    if not all(digest for _, digest in texts):
        return b""
    about = ([finding[:-1] for finding in findings], texts, len(result.coverage.environments))
    try:
        return bytes(xxhash.xxh3_128_digest(_encode(about)))
    except UnicodeEncodeError:  # the name of a file that is no UTF-8
        return b""
