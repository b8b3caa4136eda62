"""What of a project was looked at, and what was not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshlint.model.document import FileRead
from meshlint.model.kind import kind_of
from meshlint.model.resource import Environment
from meshlint.model.target import Current
from meshlint.project import Project
from meshlint.report.result import Coverage, EnvironmentReport, Skipped


def coverage_of(files: Sequence[FileRead], environments: Iterable[tuple[Environment, Current]], project: Project) -> Coverage:
    """The counts of a run, and each environment with the versions that it runs."""
    skipped = [Skipped(project.show(file.path), file.skipped, file.skipped_kinds) for file in files if file.skipped is not None]
    read = [file for file in files if file.skipped is None]
    manifests = sum(any(document.kind and document.api_version for document in file.documents) for file in read)
    documents = [document for file in read for document in file.documents]
    written = sum(kind_of(document.api_version, document.kind) is not None for document in documents)
    pairs = list(environments)
    return Coverage(
        found=len(files),
        read=len(read),
        manifests=manifests,
        other=len(read) - manifests,
        skipped_files=len(skipped),
        documents=len(documents),
        resources=max([written, *(len(environment.resources) for environment, _ in pairs)]),  # of charts little is written
        environments=tuple(_report(*pair, project) for pair in pairs),
        skipped=tuple(skipped),
    )


def _report(environment: Environment, current: Current, project: Project) -> EnvironmentReport:
    versions = {
        "istio": str(current.istio) if current.istio else None,
        "gateway_api": str(current.gateway_api) if current.gateway_api else None,
        "channel": current.channel,
    }
    path = project.show(environment.path)
    return EnvironmentReport(environment.name, environment.kind, path, environment.status, environment.reason, versions)
