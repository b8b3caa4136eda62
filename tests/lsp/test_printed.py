"""Alike findings of several files are told apart by a number: it is that of a whole run, whoever comes and goes."""

import random
from pathlib import Path

import pytest

from meshlint.lsp.session import Session
from tests.lsp.sessions import session_on, settle, shown, whole_run

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: enabled}}\n"
OTHER = NAMESPACE.replace("shop", "orders")


def clusters(folder: Path) -> Session:
    """The same object in several clusters."""
    for name in "abcd":
        (folder / name).mkdir()
        (folder / name / "kustomization.yaml").write_text("resources: [namespaces.yaml]\n")
        (folder / name / "namespaces.yaml").write_text(NAMESPACE)
    return session_on(folder)


def prints(session: Session, path: str) -> list[str]:
    return [one.fingerprint for one in session.findings.get(path, ())]


def test_one_goes_and_those_behind_it_get_another_number(tmp_path: Path) -> None:
    session = clusters(tmp_path)
    a, b, c, d = (prints(session, f"{name}/namespaces.yaml") for name in "abcd")
    assert len({*a, *b, *c, *d}) == 4
    session.change("b/namespaces.yaml", NAMESPACE.replace("enabled", "disabled"))
    session.first({"b/namespaces.yaml"})
    assert settle(session) == set(), "those behind it were told at once"
    assert [prints(session, f"{name}/namespaces.yaml") for name in "abcd"] == [a, [], b, c]
    session.change("b/namespaces.yaml", f"{NAMESPACE}---\n{NAMESPACE}")
    settle(session)
    assert shown(session) == whole_run(session)


def test_a_comment_in_front_concerns_no_other_file(tmp_path: Path) -> None:
    session = clusters(tmp_path)
    session.change("b/namespaces.yaml", f"# ours\n{NAMESPACE}")
    assert session.first({"b/namespaces.yaml"}) == {"b/namespaces.yaml"}
    assert settle(session) == set()


@pytest.mark.parametrize("seed", range(4))
def test_any_of_them_in_any_order(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    session = clusters(tmp_path)
    for _ in range(10):
        documents = [chance.choice((NAMESPACE, OTHER, NAMESPACE.replace("enabled", "disabled"))) for _ in range(chance.randint(1, 3))]
        path = f"{chance.choice('abcd')}/namespaces.yaml"
        session.change(path, "---\n".join(documents))
        if chance.random() < 0.6:
            session.first({path})
        if chance.random() < 0.7:
            settle(session)
            assert shown(session) == whole_run(session)
    settle(session)
    assert shown(session) == whole_run(session)
