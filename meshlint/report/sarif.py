"""SARIF 2.1.0, built from sarif_om's classes, within the limits of GitHub's code scanning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import sarif_om

from meshlint import HOME, __version__
from meshlint.model.problem import Edit, Finding, Fix, Location
from meshlint.report.encode import encoder
from meshlint.report.result import Result, Skipped
from meshlint.report.sarif_rules import descriptor
from meshlint.report.sarif_write import plain

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
_MOST_RESULTS = 25_000  # GitHub refuses a run with more
_MOST_PLACES = 999  # GitHub refuses a result with more than 1,000 places
_RESULTS = '"results":['  # which no string holds: its quotes would be escaped
_FAILED = (2, 130)  # exit codes of a run that could not do its work


def write(result: Result, out: TextIO, *, information_uri: str = HOME, **_options: Any) -> None:
    """The log; the same result gives the same bytes. `information_uri` is the address of the project."""
    run = _Run(result)
    encode = encoder(len(run.findings), compact=True)
    log = sarif_om.SarifLog(version="2.1.0", schema_uri=SCHEMA, runs=[run.build(information_uri)])
    before, mark, behind = encode(plain(log)).partition(_RESULTS)
    out.write(before + mark)
    for number, finding in enumerate(run.findings):
        out.write(("," if number else "") + encode(plain(run.result_of(finding))))
    out.write(behind + "\n")


def most_severe(findings: Sequence[Finding], most: int) -> list[Finding]:
    """The `most` most severe findings, in the order of the report."""
    if len(findings) <= most:
        return list(findings)
    kept = sorted(range(len(findings)), key=lambda number: (-findings[number].severity.rank, number))[:most]
    return [findings[number] for number in sorted(kept)]


class _Run:
    """Numbers files and rules while the parts of a run are made."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.suppressed = {id(one.finding): one for one in result.hidden}
        everything = sorted((*result.findings, *(one.finding for one in result.hidden)), key=lambda finding: finding.order)
        self.findings = most_severe(everything, _MOST_RESULTS)
        self.files: dict[str, Any] = {}
        by_rule = {finding.rule: finding for finding in reversed(self.findings)}
        self.rules = [by_rule[number] for number in sorted(by_rule)]
        self.rule_index = {finding.rule: number for number, finding in enumerate(self.rules)}

    def build(self, information_uri: str) -> Any:
        """All but the results, which are written one by one. Files are numbered as results name them."""
        for finding in self.findings:
            self._number_files(finding)
        with_result = {finding.location.file for finding in self.findings}
        invocation = self._invocation()
        return sarif_om.Run(
            tool=sarif_om.Tool(driver=self._driver(information_uri)),
            automation_details=sarif_om.RunAutomationDetails(id="meshlint/"),
            original_uri_base_ids={_ROOT: sarif_om.ArtifactLocation(description=_message("The folder that was checked."))},
            column_kind="unicodeCodePoints",
            newline_sequences=["\r\n", "\n", "\r"],
            invocations=[invocation],
            artifacts=[self._artifact(file, file in with_result) for file in self.files],
            results=[],
        )

    def _number_files(self, finding: Finding) -> None:
        self._file(finding.location.file)
        for related in finding.related[:_MOST_PLACES]:
            self._file(related.location.file)
        for edit in finding.fix.edits if finding.fix is not None and _can_say(finding.fix) else ():
            self._file(edit.file)

    def _driver(self, information_uri: str) -> Any:
        return sarif_om.ToolComponent(
            name="meshlint",
            version=__version__,
            semantic_version=__version__,
            information_uri=information_uri,
            rules=[descriptor(finding, self.result.rules.get(finding.rule)) for finding in self.rules],
        )

    def result_of(self, finding: Finding) -> Any:
        related = finding.related[:_MOST_PLACES]
        return sarif_om.Result(
            rule_id=finding.rule,
            rule_index=self.rule_index[finding.rule],
            level=finding.severity.value,
            message=_message(finding.message),
            locations=[self._location(finding.location, finding)],
            related_locations=[self._location(at, message=text, id=number) for number, (at, text) in enumerate(related, 1)],
            partial_fingerprints={"meshlint/v1": finding.fingerprint},
            fixes=self._fixes(finding.fix),
            suppressions=self._suppressions(finding),
            properties=_properties(finding),
        )

    def _suppressions(self, finding: Finding) -> list[Any] | None:
        """All results of a run have the list, or none has it; an empty one says that the finding is not suppressed."""
        by = self.suppressed.get(id(finding))
        if by is None:
            return [] if self.suppressed else None
        return [sarif_om.Suppression(kind="inSource" if by.in_source else "external", justification=by.reason or None)]

    def _location(self, at: Location, finding: Finding | None = None, *, message: str = "", id: int = -1) -> Any:
        physical = sarif_om.PhysicalLocation(artifact_location=self._file(at.file), region=_region(at))
        logical = _logical(finding) if finding else None
        said = _message(message) if message else None
        return sarif_om.Location(physical_location=physical, logical_locations=logical, message=said, id=id)

    def _file(self, file: str) -> Any:
        if file not in self.files:
            self.files[file] = sarif_om.ArtifactLocation(uri=uri(file), uri_base_id=_ROOT, index=len(self.files))
        return self.files[file]

    def _artifact(self, file: str, with_result: bool) -> Any:
        return sarif_om.Artifact(location=self._file(file), roles=["resultFile"] if with_result else None)

    def _fixes(self, fix: Fix | None) -> list[Any] | None:
        if fix is None or not _can_say(fix):
            return None
        by_file: dict[str, list[Edit]] = {}
        for edit in fix.edits:
            by_file.setdefault(edit.file, []).append(edit)
        changes = [
            sarif_om.ArtifactChange(artifact_location=self._file(file), replacements=[_replacement(edit) for edit in edits])
            for file, edits in by_file.items()
        ]
        return [sarif_om.Fix(artifact_changes=changes, description=_message(fix.title), properties={"safe": fix.safe})]

    def _invocation(self) -> Any:
        code = self.result.exit_code
        said = [*self._notifications()]
        return sarif_om.Invocation(execution_successful=code not in _FAILED, exit_code=code, tool_execution_notifications=said)

    def _notifications(self) -> Iterator[Any]:
        cut = len(self.result.findings) + len(self.suppressed) - len(self.findings)
        if cut:
            text = f"{cut} findings of the lowest severity are left out: a run holds {_MOST_RESULTS}."
            yield sarif_om.Notification(message=_message(text), level="warning")
        for text in self.result.notifications:
            yield sarif_om.Notification(message=_message(text), level="warning")
        for environment in self.result.coverage.environments:
            if environment.status == "failed":
                text = f"Environment {environment.name} could not be rendered: {environment.reason or 'no reason given'}"
                yield sarif_om.Notification(message=_message(text), level="warning")
        for skipped in self.result.coverage.skipped:
            yield self._skipped(skipped)

    def _skipped(self, skipped: Skipped) -> Any:
        kinds = f" (holds {', '.join(skipped.kinds)})" if skipped.kinds else ""
        where = sarif_om.Location(physical_location=sarif_om.PhysicalLocation(artifact_location=self._file(skipped.file)))
        return sarif_om.Notification(message=_message(f"Not analysed: {skipped.reason}{kinds}"), level="note", locations=[where])


def uri(file: str) -> str:
    """A relative path as a URI reference, percent-encoded; bytes that are not UTF-8 are kept."""
    from urllib.parse import quote

    return quote(file.encode("utf-8", "surrogateescape"), safe="/-._~!$&'()*+,;=@")


def _can_say(fix: Fix) -> bool:
    """No fix that adds a file: SARIF knows changes only, and a fix is applied whole or not at all."""
    return bool(fix.edits) and not fix.new_files


def _message(text: str) -> Any:
    return sarif_om.Message(text=text)


def _region(at: Location) -> Any:
    return sarif_om.Region(start_line=at.line, start_column=at.column, end_line=at.end_line, end_column=at.end_column)


def _replacement(edit: Edit) -> Any:
    content = sarif_om.ArtifactContent(text=edit.text) if edit.text else None
    return sarif_om.Replacement(deleted_region=_region(Location.of(edit.file, edit.span)), inserted_content=content)


def _logical(finding: Finding) -> list[Any] | None:
    resource = finding.resource
    if resource is None:
        return None
    title = "/".join(part for part in (resource.kind, resource.namespace, resource.name) if part)
    return [sarif_om.LogicalLocation(name=resource.name or None, fully_qualified_name=title, kind="resource")]


def _properties(finding: Finding) -> dict[str, Any]:
    properties: dict[str, Any] = {"confidence": finding.confidence.value, "impact": finding.impact.value, "exact": finding.exact}
    if finding.environments:
        properties["environments"] = list(finding.environments)
    if finding.resource is not None:
        properties["resource"] = finding.resource._asdict()
    if finding.path:
        properties["path"] = finding.path
    if finding.remedy:
        properties["remedy"] = finding.remedy
    return properties
