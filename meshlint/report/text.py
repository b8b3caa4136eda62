"""The output for people: each finding with its source lines, then what was looked at and what was not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, TextIO

from meshlint import HOME
from meshlint.model.problem import Finding, Location, Related
from meshlint.report.paint import Paint
from meshlint.report.repeats import Block, blocks
from meshlint.report.result import Result
from meshlint.report.snippet import shown, snippet
from meshlint.report.summary import summary
from meshlint.report.visible import lines, visible

if TYPE_CHECKING:
    from meshlint.report.again import Again

_RELATED = 4  # places shown without -v; of what could not be read, the message names the files
_ENVIRONMENTS = 5  # named without -v
_LINES = 12  # lines of alike findings named without -v


def write(
    result: Result,
    out: TextIO,
    *,
    color: bool = False,
    links: bool = False,
    verbose: bool = False,
    quiet: bool = False,
    limit: int = 5,
    again: Again | None = None,
    **_options: Any,
) -> None:
    """Findings by file, then the summary. `verbose` folds nothing, `quiet` leaves the summary out; `again` knows what the last run said.

    More than `limit` findings of a rule in a file that say the same thing are folded; all of them are counted.
    """
    page = _Page(result, Paint(color, links), verbose)
    limit = len(result.findings) if verbose else limit
    for _, grouped in groupby(result.findings, key=lambda finding: finding.location.file):
        findings = list(grouped)
        write = partial(page.text, findings, limit)
        out.write(write() if again is None else again.page(findings, result, write))
    if not quiet:
        out.writelines(f"{line}\n" for line in summary(result, page.paint, verbose=verbose))


class _Page:
    def __init__(self, result: Result, paint: Paint, verbose: bool) -> None:
        self.result = result
        self.paint = paint
        self.verbose = verbose

    def text(self, findings: Sequence[Finding], limit: int) -> str:
        """All that is said of one file."""
        return "".join(f"{line}\n" for line in self.file(blocks(findings, limit)))

    def file(self, shown: list[Block]) -> Iterator[str]:
        """The blocks of one file, an empty line after each; a remedy is said once a rule."""
        said: set[tuple[str, str]] = set()
        for block in shown:
            finding = block.finding
            yield self._head(finding)
            yield from ("  " + line for line in self._body(finding, (finding.rule, finding.remedy) not in said))
            said.add((finding.rule, finding.remedy))
            if block.more:
                yield "  " + self.paint("strong", self._more(block.more))
            yield ""

    def _head(self, finding: Finding) -> str:
        where = finding.location
        place = self.paint("strong", f"{visible(where.file)}:{where.line}:{where.column}")
        style = finding.severity.value
        first, *others = lines(finding.message) or [""]
        message = "\n".join((first, *("  " + line for line in others)))
        name = self.paint.link(self.paint("dim", f"[{finding.name}]"), self._page(finding))
        return f"{place}: {self.paint(style, f'{style} {finding.rule}')} {message} {name}"

    def _page(self, finding: Finding) -> str:
        """Where the rule is explained."""
        rule = self.result.rules.get(finding.rule)
        page = rule.help if rule is not None else ""
        return f"{HOME}/blob/main/{page}" if page.startswith("docs/") else page

    def _body(self, finding: Finding, remedy: bool) -> Iterator[str]:
        where = finding.location
        size = len(str(max((where.end_line + 1, *(related.location.line for related in finding.related)))))
        source = self.result.text_of(where.file)
        if source is not None:
            yield from snippet(source, where, self.paint, finding.severity.value, gutter=size)
        most = _RELATED if finding.family != "meta" else 0
        for related in finding.related if self.verbose else finding.related[:most]:
            yield from self._related(related, where.file, size)
        if len(finding.related) > most and not self.verbose:
            yield f"{self._equals(size)} {len(finding.related) - most} more places, -v names them"
        for label, text in self._notes(finding, remedy):
            first, *others = lines(text) or [""]
            yield f"{self._equals(size)} {self.paint('help', label)}: {first}"
            yield from (" " * (size + len(label) + 5) + line for line in others)

    def _related(self, related: Related, file: str, size: int) -> Iterator[str]:
        where = related.location
        name = "line " if where.file == file else f"{visible(where.file)}:"
        place = f"{name}{where.line}" + ("" if where.file == file else f":{where.column}")
        yield f"{self._equals(size)} {place}: {' '.join(lines(related.message))}"
        text = self._line(where)
        if text:
            yield f"{self.paint('gutter', f'{where.line:>{size}} |')} {text}"

    def _line(self, where: Location) -> str:
        """The source line of a related place, cut where it is long."""
        source = self.result.text_of(where.file)
        if source is None:
            return ""
        line = source.line(where.line - 1)
        return shown(line[:119] + "\u2026" if len(line) > 120 else line).rstrip()

    def _equals(self, size: int) -> str:
        return self.paint("gutter", " " * size + " =")

    def _notes(self, finding: Finding, remedy: bool) -> Iterator[tuple[str, str]]:
        if not finding.exact:
            yield "place", "approximate, the nearest source of a rendered value"
        if len(finding.environments) > 1:
            yield "environments", self._environments(finding.environments)
        if remedy and finding.remedy:
            yield "help", finding.remedy
        if finding.fix is not None:
            yield "fix", finding.fix.title if finding.fix.safe else f"{finding.fix.title} (look at it before you apply it)"

    def _environments(self, names: tuple[str, ...]) -> str:
        if len(names) == len(self.result.coverage.environments):
            return f"all {len(names)}"
        shown = names if self.verbose else names[:_ENVIRONMENTS]
        rest = len(names) - len(shown)
        return ", ".join(shown) + (f" and {rest} more" if rest else "")

    def _more(self, more: tuple[Finding, ...]) -> str:
        numbers = [str(finding.location.line) for finding in more]
        rest = f" and {len(numbers) - _LINES} more" if len(numbers) > _LINES else ""
        noun = "line" if len(numbers) == 1 else "lines"
        return f"... and {len(numbers)} more like this at {noun} {', '.join(numbers[:_LINES])}{rest}; -v shows all"
