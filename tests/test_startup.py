"""What a run imports: nothing heavy before it is needed (the time itself is not asserted, machines differ)."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import meshlint
from meshlint.check.registry import bundled

HEAVY = {
    "jsonschema", "networkx", "sarif_om", "rich", "attr", "msgspec", "xxhash", "pathspec", "tomllib", "tomli", "hypothesis",
    "importlib.metadata", "asyncio", "logging", "dataclasses", "inspect", "pathlib", "subprocess", "shutil", "tempfile", "multiprocessing",
    "hashlib",
}  # fmt: skip
UNASKED = {
    "meshlint.accepted", "meshlint.known", "meshlint.since", "meshlint.config_check", "meshlint.config_merge", "meshlint.settings",
    "meshlint.init", "meshlint.explain", "meshlint.pages", "meshlint.check.ignores", "meshlint.check.suppress", "meshlint.check.unused",
    "meshlint.check.baseline", "meshlint.read.comments",
}  # fmt: skip
"""What only suppressions, baselines, git refs, configurations and other commands need."""

CLEAN = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\nspec: {ports: [{port: 80}]}\n"


ROUTE = """apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: b}
spec:
  hosts: [a.b.svc.cluster.local]
  http:
  - retries: {attempts: 3, perTryTimeout: 2s, retryOn: 5xx}
    fault: {abort: {percentage: {value: 1}, httpStatus: 500}}
    route: [{destination: {host: a.b.svc.cluster.local}}]
"""


def rules_of(modules: set[str]) -> set[str]:
    return {name.removeprefix("meshlint_rules.") for name in modules if name.startswith("meshlint_rules.") and name.count(".") == 2}


def may_run(kind: str) -> set[str]:
    """The rules that look at a kind, at whole environments, or speak for meshlint itself."""
    return {entry.module for entry in bundled().entries if entry.engine or not entry.each or kind in {one.name for one in entry.each}}


def modules_of(arguments: list[str], cwd: Path) -> set[str]:
    code = f"import sys; from meshlint.__main__ import main; main({arguments!r}); print('\\n'.join(['', 'MODULES', *sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True)
    return set(done.stdout.split("MODULES\n")[1].split())


def test_version_imports_nothing(tmp_path: Path) -> None:
    loaded = modules_of(["--version"], tmp_path)
    assert not loaded & (HEAVY | {"argparse", "yaml", "json", "typing"})
    assert {name for name in loaded if name.startswith("meshlint")} == {"meshlint", "meshlint.__main__"}


@pytest.mark.parametrize("form", ["text", "concise", "json", "github", "gitlab", "junit", "rdjson", "markdown"])
def test_a_single_file_imports_nothing_heavy(tmp_path: Path, form: str) -> None:
    (tmp_path / "service.yaml").write_text(CLEAN)
    loaded = modules_of(["service.yaml", "-o", form], tmp_path)
    assert "meshlint.engine" in loaded
    assert not {name for name in loaded if name.split(".")[0] in HEAVY | {"yaml"} or name in HEAVY}


def test_the_parser_is_imported_for_texts_that_need_it(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text(CLEAN)
    assert "yaml" not in modules_of(["service.yaml"], tmp_path)
    (tmp_path / "service.yaml").write_text(CLEAN.replace("{port", "&port {port"))
    assert "yaml" in modules_of(["service.yaml"], tmp_path)


def test_rules_are_imported_only_for_the_kinds_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text(CLEAN)
    assert rules_of(modules_of(["service.yaml"], tmp_path)) <= may_run("SERVICE")
    (tmp_path / "route.yaml").write_text(ROUTE)
    loaded = rules_of(modules_of(["route.yaml"], tmp_path))
    assert "traffic.vs_retries" in loaded
    assert loaded <= may_run("VIRTUAL_SERVICE")


def test_nothing_is_imported_that_the_file_does_not_ask_for(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text(CLEAN)
    loaded = modules_of(["service.yaml"], tmp_path)
    assert not loaded & (UNASKED | {"meshlint.model.digest"})
    assert not {name for name in loaded if name.startswith(("meshlint.semantics.", "meshlint.cache"))}
    assert not loaded & {f"meshlint.index.{part}" for part in ("conversion", "guards", "listeners", "netpolicies", "policies", "peerauth")}


def test_findings_import_what_makes_them_only(tmp_path: Path) -> None:
    (tmp_path / "route.yaml").write_text(ROUTE)
    loaded = modules_of(["route.yaml"], tmp_path)
    assert "meshlint.model.digest" in loaded  # something was found
    assert not loaded & (UNASKED | HEAVY)
    assert not {name for name in loaded if name.startswith("meshlint.semantics.authz")}


def test_what_is_asked_for_is_imported(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text(f"# meshlint: ignore-file[ML101] because\n{CLEAN}")
    assert "meshlint.check.ignores" in modules_of(["service.yaml"], tmp_path)
    assert "meshlint.known" in modules_of(["service.yaml", "--write-baseline", "known.json"], tmp_path)


def test_help_knows_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for columns in ("60", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        command = [sys.executable, "-m", "meshlint", "check", "--help"]
        texts.append(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    narrow, wide = (max(len(line) for line in text.partition("options:")[2].partition("examples:")[0].splitlines()) for text in texts)
    assert narrow <= 60 < wide


def test_sarif_is_imported_for_sarif_only(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text(CLEAN)
    assert "sarif_om" in modules_of(["service.yaml", "-o", "sarif"], tmp_path)


def test_no_class_is_made_by_typing() -> None:
    """A named tuple of typing costs as much as importing a module; there are 200."""
    root = Path(meshlint.__file__).parent
    makers = [path for path in root.rglob("*.py") if re.search(r"^from typing import .*\bNamedTuple\b", path.read_text("utf-8"), re.M)]
    assert makers == []
