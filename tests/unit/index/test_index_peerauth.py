"""The PeerAuthentications above one: of its namespace, and of the mesh."""

from __future__ import annotations

from pathlib import Path

from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.kind import Kind
from meshlint.model.target import resolve_target
from meshlint.project import project


def authentication(name: str, namespace: str, spec: str = "{mtls: {mode: STRICT}}") -> str:
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    return f"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {metadata}\nspec: {spec}\n"


def mesh_of(folder: Path, *documents: str) -> MeshIndex:
    (folder / "all.yaml").write_text("---\n".join(documents), encoding="utf-8")
    loaded = load(project([str(folder)]), Config())
    targets = [resolve_target(None, current) for current in loaded.currents]
    repository = Repository(loaded.environments, loaded.files, targets, Config().settings)
    return repository.index(loaded.environments[0])


def names(mesh: MeshIndex, name: str) -> list[str | None]:
    policy = next(found for found in mesh.all(Kind.PEER_AUTHENTICATION) if found.name == name)
    return [None if found is None else found.name for found in mesh.peer_authentications_above(policy)]


def test_of_the_namespace_and_of_the_mesh(tmp_path: Path) -> None:
    selector = "{selector: {matchLabels: {app: cart}}, mtls: {mode: STRICT}}"
    mesh = mesh_of(
        tmp_path,
        authentication("mesh", "istio-system"),
        authentication("shop", "shop"),
        authentication("cart", "shop", selector),
        authentication("ads", "shop", selector),
        authentication("elsewhere", "other"),
    )
    assert names(mesh, "cart") == ["shop", "mesh"]
    assert names(mesh, "shop") == [None, "mesh"]
    assert names(mesh, "elsewhere") == [None, "mesh"]
    assert names(mesh, "mesh") == [None, None]


def test_nothing_above(tmp_path: Path) -> None:
    assert names(mesh_of(tmp_path, authentication("shop", "shop")), "shop") == [None, None]
