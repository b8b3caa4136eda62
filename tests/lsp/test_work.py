"""What an edit costs, counted: files read, rules run, questions asked. It hangs on what the edit touches, not on how large the
repository is. Seconds differ from machine to machine; these numbers do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from meshlint import engine
from meshlint.lsp import session as sessions
from meshlint.lsp.session import Session
from tests.lsp.sessions import session_on, settle, shown, whole_run

APP = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {name}}}
spec:
  template:
    metadata: {{labels: {{app: {name}, version: v1}}}}
    spec: {{containers: [{{name: app, image: registry.example.com/{name}:1}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: {name}}}
data: {{colour: blue}}
"""
MESH = """apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: {name}}}
spec:
  hosts: [{name}]
  http:
  - route: [{{destination: {{host: {name}, subset: v1}}}}]
    timeout: 3s
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}, namespace: {name}}}
spec:
  host: {name}
  subsets:
  - {{name: v1, labels: {{version: v1}}}}
"""
FEW, MANY = 6, 48


class Cost(NamedTuple):
    read: int  # texts
    first: int  # rules run before the open document is told of
    after: int  # rules run for all others
    steps: int  # rules run and questions looked at again
    rebuilt: int  # how often the environments were found anew


Costs = Callable[[Session, str, str, str], Cost]


def repository(folder: Path, applications: int) -> Session:
    for number in range(applications):
        where = folder / f"apps/app-{number}"
        where.mkdir(parents=True)
        (where / "kustomization.yaml").write_text("resources: [app.yaml, mesh.yaml]\n")
        (where / "app.yaml").write_text(APP.format(name=f"app-{number}"))
        (where / "mesh.yaml").write_text(MESH.format(name=f"app-{number}"))
    return session_on(folder)


@pytest.fixture
def cost(monkeypatch: pytest.MonkeyPatch) -> Costs:
    """Of one edit: a word of a file takes another's place."""
    texts = [0]
    read = sessions.read_text

    def counted(text: str, path: str) -> object:
        texts[0] += 1
        return read(text, path)

    monkeypatch.setattr(sessions, "read_text", counted)
    monkeypatch.setattr(engine, "read_text", counted)

    def of(session: Session, path: str, old: str, new: str) -> Cost:
        source = session.files[path].source
        assert source is not None and old in source.text
        texts[0], ran, rebuilt = 0, session.ran, session.structural
        session.change(path, source.text.replace(old, new))
        session.first({path})
        first = session.ran
        steps = sum(1 for _ in session.settle())
        session.finish()
        return Cost(texts[0], first - ran, session.ran - first, steps, session.structural - rebuilt)

    return of


EDITS = [
    ("mesh.yaml", "timeout: 3s", "timeout: 4s"),
    ("mesh.yaml", "host: app-3\n", "host: app-4.app-4.svc.cluster.local\n"),
    ("mesh.yaml", "subset: v1", "subset: v2"),
    ("app.yaml", "kind: Deployment", "kind: Deployment  # the pods"),
    ("app.yaml", "port: 80", "port: 81"),
    ("app.yaml", ":1}", ":2}"),
    ("app.yaml", "colour: blue", "colour: red"),
]


@pytest.mark.parametrize(("file", "old", "new"), EDITS, ids=[new for _, _, new in EDITS])
def test_an_edit_costs_the_same_in_a_large_repository(cost: Costs, tmp_path: Path, file: str, old: str, new: str) -> None:
    few, many = (repository(tmp_path / str(number), number) for number in (FEW, MANY))
    path = f"apps/app-3/{file}"
    one, other = cost(few, path, old, new), cost(many, path, old, new)
    assert one._replace(steps=0) == other._replace(steps=0)
    assert one.read == 1 and one.rebuilt == 0
    assert 0 < one.first < 100 and one.after < 40 and one.steps < 200
    asked_of_all = 5 * MANY if "subset" in new else 0  # which subsets anybody uses is asked for each of them
    assert other.steps <= one.steps + asked_of_all
    assert shown(many) == whole_run(many)


def test_only_checks_that_asked_run_again(cost: Costs, tmp_path: Path) -> None:
    session = repository(tmp_path, FEW)
    quiet = cost(session, "apps/app-3/mesh.yaml", "timeout: 3s", "timeout: 3s  # long enough")
    label = cost(session, "apps/app-3/mesh.yaml", "subset: v1", "subset: v7")
    assert quiet.after < 5, "but for rules that look at all objects of a kind, nobody is answered otherwise"
    assert label.read == 1
    assert "subset-unused" in [one.name for one in session.findings["apps/app-3/mesh.yaml"]]


def test_a_structural_edit_reads_one_file_and_runs_what_it_touches(cost: Costs, tmp_path: Path) -> None:
    """Another name: environments are found anew, and what is the same in them is kept."""
    few, many = (repository(tmp_path / str(number), number) for number in (FEW, MANY))
    edit = ("apps/app-3/mesh.yaml", "metadata: {name: app-3,", "metadata: {name: other,")
    one, other = cost(few, *edit), cost(many, *edit)
    assert (one.read, one.rebuilt) == (other.read, other.rebuilt) == (1, 1)
    assert one.first + one.after == other.first + other.after < 150
    assert shown(many) == whole_run(many)


def test_an_open_document_that_stays_is_not_read_again(cost: Costs, tmp_path: Path) -> None:
    session = repository(tmp_path, FEW)
    for number in range(FEW):
        cost(session, f"apps/app-{number}/mesh.yaml", "timeout: 3s", "timeout: 5s")
    assert cost(session, "apps/app-3/mesh.yaml", "metadata: {name: app-3,", "metadata: {name: other,").read == 1


def test_typing_what_was_there_costs_nothing(tmp_path: Path) -> None:
    session = repository(tmp_path, FEW)
    source = session.files["apps/app-3/mesh.yaml"].source
    assert source is not None
    session.change("apps/app-3/mesh.yaml", source.text)
    settle(session)
    ran = session.ran
    session.change("apps/app-3/mesh.yaml", source.text)
    assert settle(session) == set()
    assert session.ran == ran
