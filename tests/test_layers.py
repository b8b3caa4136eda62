"""Modules import their own layer and those below, rules import meshlint.api only, and nothing imports in a circle.

Read off the syntax trees, TYPE_CHECKING blocks included.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [  # from the bottom; a row's layers do not know one another unless ALLOWED says so
    {"model", "bundled", "facts", "files", "measure"},
    {"read", "cache"},
    {"edit"},
    {"render"},
    {"semantics"},
    {"index"},
    {"check", "report", "fix"},
    {
        "config", "config_check", "config_file", "config_merge", "project", "pages", "api", "plugins", "accepted", "known", "since",
        "add_ignores", "conversion", "coverage",
    },
    {"engine"},
    {"repair"},
    {"lsp"},
    {
        "arguments", "options", "output", "explain", "settings", "init", "completion", "watch", "repeat", "fixing", "convert",
        "convert_write", "convert_check", "conversions", "cli",
    },
    {"__main__"},
    {"testing"},
]
ALLOWED = {("read", "cache"), ("cache", "read")}  # both only know the model; the cache holds what reading gives


@cache
def modules() -> dict[str, Path]:
    out = {}
    for path in sorted((ROOT / "meshlint").rglob("*.py")):
        if "_bundled" not in path.parts:
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            out[name.removesuffix(".__init__")] = path
    return out


@cache
def imported(path: Path) -> tuple[str, ...]:
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def layer(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def rank(name: str) -> int:
    found = [number for number, row in enumerate(LAYERS) if name in row]
    assert found, f"{name} belongs to no layer: name it in tests/test_layers.py and docs/architecture.md"
    return found[0]


@pytest.mark.parametrize("module", [m for m in modules() if m != "meshlint"])
def test_layers_only_point_down(module: str) -> None:
    mine = layer(module)
    for other in imported(modules()[module]):
        theirs = layer(other)
        if other.startswith("meshlint.") and theirs != mine and theirs not in ("__version__", "HOME"):
            below = rank(theirs) < rank(mine)
            beside = rank(theirs) == rank(mine) and (len(LAYERS[rank(mine)]) > 3 or mine in LAYERS[0] or (mine, theirs) in ALLOWED)
            assert below or beside, f"{module} imports {other}"


def test_no_import_circles() -> None:
    known = modules()
    graph = networkx.DiGraph()
    for module, path in known.items():
        graph.add_edges_from((module, other) for other in imported(path) if other in known and other not in (module, "meshlint"))
    circles = [sorted(part) for part in networkx.strongly_connected_components(graph) if len(part) > 1]
    assert circles == []


@pytest.mark.parametrize("path", sorted((ROOT / "rules").rglob("*.py")), ids=lambda path: path.stem)
def test_rules_import_the_api_only(path: Path) -> None:
    ours = {name for name in imported(path) if name.split(".")[0] in ("meshlint", "rules", "meshlint_rules")}
    assert {name for name in ours if not name.startswith("meshlint.api")} == set()


def test_nothing_imports_a_rule() -> None:
    for module, path in modules().items():
        assert not [name for name in imported(path) if name.split(".")[0] in ("rules", "meshlint_rules")], module
