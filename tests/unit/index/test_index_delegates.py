"""What a delegate is bound to does not hang on which VirtualService is asked about first."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.kind import Kind
from meshlint.model.mesh import Binding
from meshlint.model.target import resolve_target
from meshlint.project import project

SERVICE = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: shop}}
spec: {{{head}http: [{{delegate: {{name: {below}}}}}]}}
"""


def mesh_of(folder: Path, *services: tuple[str, str, str]) -> MeshIndex:
    text = "".join(SERVICE.format(name=name, head=head, below=below) for name, head, below in services)
    (folder / "mesh.yaml").write_text(text)
    loaded = load(project([str(folder)]), Config())
    targets = [resolve_target(None, current) for current in loaded.currents]
    return Repository(loaded.environments, loaded.files, targets, Config().settings).index(loaded.environments[0])


def answers(folder: Path, order: tuple[int, ...], *services: tuple[str, str, str]) -> dict[str, Binding]:
    mesh = mesh_of(folder, *services)
    found = mesh.all(Kind.VIRTUAL_SERVICE)
    said = {found[number].name: mesh.binding(found[number]) for number in order}
    return {name: binding._replace(gateways=()) for name, binding in sorted(said.items())}


def test_delegates_in_a_circle(tmp_path: Path) -> None:
    circle = (("a", "", "b"), ("b", "", "a"), ("root", "hosts: [x], ", "a"))
    said = [answers(tmp_path, order, *circle) for order in permutations(range(3))]
    assert all(one == said[0] for one in said)
    assert (said[0]["a"].mesh, said[0]["a"].known) == (True, False)


def test_a_chain_of_delegates(tmp_path: Path) -> None:
    chain = (("root", "hosts: [x], ", "a"), ("a", "", "b"), ("b", "", "nobody"))
    assert {name: (one.mesh, one.known) for name, one in answers(tmp_path, (2, 1, 0), *chain).items()} == dict.fromkeys(
        ("a", "b", "root"), (True, True)
    )


def test_a_delegate_of_nobody(tmp_path: Path) -> None:
    assert not answers(tmp_path, (0,), ("a", "", "b"))["a"].known
