"""What a session knows after any edits is what a whole run says."""

import random
from pathlib import Path

import pytest

from meshlint.config import Config, ConfiguredSuppression
from meshlint.lsp.session import Session
from tests.edits import EDITS, twice, write_repository
from tests.lsp.sessions import session_on, settle, shown, whole_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_repository(tmp_path / "shop")
    return tmp_path / "shop"


def check(session: Session) -> None:
    settle(session)
    assert shown(session) == whole_run(session)


@pytest.mark.parametrize("seed", range(6))
def test_edits_of_open_documents(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    session = session_on(folder)
    assert shown(session) == whole_run(session)
    for number in range(12):
        path = chance.choice(sorted(session.files))
        source = session.files[path].source
        assert source is not None
        session.change(path, chance.choice(EDITS)(chance, source.text))
        session.first({path})
        if number % 3 != 1:  # now and then two edits come before anybody looks
            check(session)
    check(session)


@pytest.mark.parametrize(("old", "new"), [("istio-waypoint", "istio"), ("name: far", "name: near")])
def test_a_waypoint_of_another_environment(folder: Path, old: str, new: str) -> None:
    """A namespace in a plain folder is bound to a waypoint that a kustomization makes."""
    files = {
        "plain/ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: far\n  labels:\n"
        "    istio.io/dataplane-mode: ambient\n    istio.io/use-waypoint: far\n",
        "kustomize/far/kustomization.yaml": "resources: [gateway.yaml]\n",
        "kustomize/far/gateway.yaml": "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: far, namespace: far}\n"
        "spec:\n  gatewayClassName: istio-waypoint\n  listeners: [{name: mesh, port: 15008, protocol: HBONE}]\n",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    session = session_on(folder)
    before = shown(session).get("plain/ns.yaml")
    session.change("kustomize/far/gateway.yaml", files["kustomize/far/gateway.yaml"].replace(old, new))
    check(session)
    assert shown(session).get("plain/ns.yaml") != before


def test_operations_of_a_patch(folder: Path) -> None:
    """A file that is a list holds no object, and changes those of others."""
    out = folder / "kustomize/prod/out.yaml"
    out.write_text("- {op: add, path: /spec/template/metadata/labels/sidecar.istio.io~1inject, value: 'false'}\n")
    made = folder / "kustomize/prod/kustomization.yaml"
    made.write_text(made.read_text() + "patches: [{target: {kind: Deployment}, path: out.yaml}]\n")
    session = session_on(folder)
    found = shown(session).get("kustomize/prod/out.yaml")
    session.change("kustomize/prod/out.yaml", out.read_text().replace("false", "true"))
    check(session)
    assert shown(session).get("kustomize/prod/out.yaml") != found


def test_labels_of_pods_that_an_overlay_adds_to_find_no_environments_anew(folder: Path) -> None:
    session = session_on(folder)
    labels = "app: cart, version: v1"
    for new in ("app: cart, version: v2", "version: v2", "tier: two"):
        source = session.files["kustomize/base/all.yaml"].source
        assert source is not None and labels in source.text
        session.change("kustomize/base/all.yaml", source.text.replace(labels, new))
        check(session)
        labels = new
    assert session.structural == 0


@pytest.mark.parametrize("seed", range(3))
def test_files_come_and_go(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    session = session_on(folder)
    for number in range(5):
        paths = sorted(session.files)
        path = chance.choice(paths)
        full = folder / path
        if number % 2:
            full.unlink()
        elif number == 4:
            path = f"new/{number}.yaml"
            (folder / "new").mkdir(exist_ok=True)
            (folder / path).write_text(twice(chance, full.read_text()))
        else:
            full.write_text(chance.choice(EDITS)(chance, full.read_text()))
        session.reread([path])
        check(session)


def test_edits_that_are_thrown_away_and_edits_by_others(folder: Path) -> None:
    """A document is closed without saving; another one is written by somebody else."""
    session = session_on(folder)
    text = (folder / "reviews/traffic.yaml").read_text()
    session.change("reviews/traffic.yaml", text.replace("subset: v1", "subset: v3"))
    check(session)
    rebuilt = session.structural
    session.reread([], ["reviews/traffic.yaml"])
    check(session)
    (folder / "catalog/catalog.yaml").write_text("# theirs\n" + (folder / "catalog/catalog.yaml").read_text())
    session.reread(["catalog/catalog.yaml", "reviews/traffic.yaml"])
    check(session)
    assert session.structural == rebuilt, "what is applied where is the same"
    (folder / "catalog/catalog.yaml").write_text("")
    session.reread(["catalog/catalog.yaml"])
    check(session)
    assert session.structural == rebuilt + 1


def test_an_edit_in_between_does_not_lose_the_one_before(folder: Path) -> None:
    """Whoever stops in the middle of what an edit brings about, and edits again, gets what both bring about."""
    session = session_on(folder)
    service = (folder / "reviews/reviews.yaml").read_text()
    session.change("reviews/reviews.yaml", service.replace("name: reviews", "name: other"))
    session.first({"reviews/reviews.yaml"})
    for _, _step in zip(range(7), session.settle(), strict=False):
        pass
    session.change("catalog/catalog.yaml", "# first\n" + (folder / "catalog/catalog.yaml").read_text())
    for _, _step in zip(range(3), session.settle(), strict=False):
        pass
    session.change("catalog/catalog.yaml", "# first\n\n" + (folder / "catalog/catalog.yaml").read_text())
    check(session)


def test_suppressions_of_the_configuration(folder: Path) -> None:
    entry = ConfiguredSuppression(("vs-subset-destination",), reason="known", file=str(folder / "meshlint.toml"))
    session = session_on(folder, Config(no_cache=True, render="never", suppress=(entry,)))
    text = (folder / "reviews/traffic.yaml").read_text()
    session.change("reviews/traffic.yaml", text.replace("subset: v1", "subset: v3"))
    check(session)
    for path in ("kustomize/base/all.yaml", "reviews/traffic.yaml"):
        session.change(path, "# nothing\n")
    check(session)


def test_text_that_does_not_parse_leaves_others_alone(folder: Path) -> None:
    session = session_on(folder)
    before = dict(session.findings)
    text = (folder / "reviews/reviews.yaml").read_text()
    assert not session.typed("reviews/reviews.yaml", text + "\n  x: [")
    settle(session)
    assert [one.name for one in session.findings["reviews/reviews.yaml"]] == ["yaml-syntax"]
    assert {path: found for path, found in session.findings.items() if path != "reviews/reviews.yaml"} == {
        path: found for path, found in before.items() if path != "reviews/reviews.yaml"
    }
    session.saved("reviews/reviews.yaml")
    check(session)
    assert session.typed("reviews/reviews.yaml", text)
    check(session)
