"""Sessions on folders, and what a whole run says of the same files."""

from collections.abc import Mapping
from pathlib import Path

from meshlint import engine
from meshlint.check.registry import bundled
from meshlint.config import Config
from meshlint.lsp.session import Session
from meshlint.model.problem import Finding
from meshlint.project import project

Found = Mapping[str, list[Finding]]


def session_on(folder: Path, config: Config | None = None) -> Session:
    """A project of its own, linted once."""
    (folder / "meshlint.toml").touch()
    session = Session(project([str(folder)]), config or Config(no_cache=True, render="never"), bundled())
    session.load({})
    settle(session)
    return session


def settle(session: Session) -> set[str]:
    for _ in session.settle():
        pass
    return session.finish()


def shown(session: Session) -> Found:
    return {path: [one._replace(repair=None) for one in found] for path, found in session.findings.items()}


def whole_run(session: Session) -> Found:
    """The findings of a run that knows nothing, with the same open texts."""
    config, registry = session.config, session.registry
    loaded = engine.load(session.project, config)
    if session.texts:
        loaded = engine.reload(loaded, session.project, config, session.texts)
    judged = engine.judge(loaded, session.project, config, registry)
    told = engine.told_of(judged, session.project, config, engine.earlier_of(loaded, session.project, config, registry, None))
    out: dict[str, list[Finding]] = {}
    for finding in told.findings:
        out.setdefault(finding.location.file, []).append(finding._replace(repair=None))
    return out
