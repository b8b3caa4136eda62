"""What a run does, counted: documents composed, files opened, rules called, modules imported. A regression fails on any machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from meshlint import engine
from meshlint.cache.compact import PackedTable
from meshlint.check import forked as shared
from meshlint.check import runner
from meshlint.check.runner import Runner
from meshlint.read import compose as composing
from meshlint.read import decode, many
from meshlint.read.many import Reading
from meshlint.render.origin.helm import HelmOrigins
from tests.door import call
from tests.tools import need
from tests.unit.cache.mesh_tree import write

APPS = 28
LONG_AGO = 1_700_000_000


class Counts:
    """How often the parts of a run were called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.composed = self.opened = self.called = self.unpacked = 0
        compose, read, one, unpack = composing.rows_of, decode.read_bytes, Runner._one, PackedTable._open_values
        problems = Runner._problems

        def composed(text: str) -> object:
            self.composed += 1
            return compose(text)

        def opened(*arguments: object) -> bytes:
            self.opened += 1
            return read(*arguments)  # type: ignore[arg-type]

        def called(runner: Runner, *arguments: object) -> object:
            self.called += 1
            return one(runner, *arguments)  # type: ignore[arg-type]

        def asked(runner: Runner, *arguments: object) -> object:
            self.called += 1
            return problems(runner, *arguments)  # type: ignore[arg-type]

        def unpacked(table: PackedTable) -> None:
            self.unpacked += 1
            unpack(table)

        monkeypatch.setattr(PackedTable, "_open_values", unpacked)
        monkeypatch.setattr(composing, "rows_of", composed)
        monkeypatch.setattr(many, "read_bytes", opened)
        monkeypatch.setattr("meshlint.read.file.read_bytes", opened)
        monkeypatch.setattr(Runner, "_one", called)
        monkeypatch.setattr(Runner, "_problems", asked)

    def of(self, folder: Path, *arguments: str, path: str = ".") -> tuple[int, int, int]:
        """Documents composed (stretches of them), files opened, rules called on objects."""
        self.composed = self.opened = self.called = self.unpacked = 0
        run = call("check", path, "-o", "github", "--jobs", "1", *arguments, cwd=folder)
        assert run.code == 1 or (run.code == 0 and path != "."), run.err
        return self.composed, self.opened, self.called


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    write(folder, APPS)
    for path in folder.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    return Counts(monkeypatch)


def files_in(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def test_a_cold_run_opens_each_file_once_and_composes_what_rules_read(tree: Path, counts: Counts) -> None:
    composed, opened, called = counts.of(tree, "--no-cache")
    assert opened == files_in(tree)
    assert composed <= 2 * files_in(tree)
    assert called <= 220 * files_in(tree)


def test_an_unchanged_project_is_not_looked_into(tree: Path, counts: Counts) -> None:
    counts.of(tree)
    assert counts.of(tree) == (0, 0, 0)


def test_one_changed_file_is_composed_alone(tree: Path, counts: Counts) -> None:
    _, _, whole = counts.of(tree)
    changed = tree / "team-1" / "app-1" / "mesh.yaml"
    changed.write_text(changed.read_text() + "# changed\n")
    composed, opened, called = counts.of(tree)
    assert composed <= 2
    assert opened <= 50  # besides, the texts that findings stand in
    assert called < whole  # the environments of kustomizations are as they were


def test_a_fresh_checkout_is_not_read_again(tree: Path, counts: Counts) -> None:
    counts.of(tree)
    for path in tree.rglob("*"):
        os.utime(path, (LONG_AGO + 5, LONG_AGO + 5))
    composed, opened, called = counts.of(tree)
    assert (composed, called) == (0, 0)
    assert opened <= 20


@pytest.mark.parametrize("name", ["app.yaml", "mesh.yaml"])
def test_of_a_saved_file_only_what_concerns_it_is_looked_at(tree: Path, counts: Counts, name: str) -> None:
    (tree / "meshlint.toml").touch()
    _, _, whole = counts.of(tree)
    path = f"team-1/app-1/{name}"
    (tree / path).write_text((tree / path).read_text() + "# changed\n")
    os.utime(tree / path, (LONG_AGO + 1, LONG_AGO + 1))
    composed, opened, called = counts.of(tree, path=path)
    assert composed <= 2
    assert opened <= 20
    assert called <= whole / 4
    assert counts.unpacked <= 2 * files_in(tree)
    assert counts.of(tree, path=path)[2] == 0


def test_calls_grow_with_the_objects(tmp_path: Path, counts: Counts) -> None:
    called = []
    for number in (30, 60):
        write(tmp_path / str(number), number)
        called.append(counts.of(tmp_path / str(number), "--no-cache")[2])
    assert called[1] < 2.1 * called[0]


def test_modules_of_a_run_on_one_file(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n")
    code = "import sys; from meshlint.__main__ import main; main(['service.yaml', '-q']); print(len(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) <= 300


FORMATS = ("json", "text", "sarif")


def said(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """The exit code and what a run says in each format."""
    files = [folder.parent / f"said.{form}" for form in FORMATS[1:]]
    asked = [word for form, file in zip(FORMATS[1:], files, strict=True) for word in ("-o", f"{form}={file}")]
    run = call("check", ".", "-o", FORMATS[0], *asked, *arguments, cwd=folder)
    return run.code, [run.out, *(file.read_text("utf-8") for file in files)]


def share_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes share the rules, however little there is to do."""
    for module in (engine, runner):
        monkeypatch.setattr(module, "ENOUGH", 0)


def same_in_every_way(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "LEAST_BYTES", 0)
    share_always(monkeypatch)
    parsed = {"reading": lambda _config: Reading(parse_all=True)}
    with monkeypatch.context() as without:
        without.setattr(engine, "reading", parsed["reading"])
        expected = said(folder, "--no-cache", "--jobs", "1")
    for jobs in ("1", "2", "8"):
        assert said(folder, "--no-cache", "--jobs", jobs) == expected, f"{jobs} processes"
        for way in ("cold", "warm", "findings alone"):
            for kept in (cache / jobs).glob("*.run" if way == "findings alone" else "nothing"):
                kept.unlink()
            assert said(folder, "--cache-dir", str(cache / jobs), "--jobs", jobs) == expected, f"{jobs} processes, {way} cache"


def test_every_way_tells_the_same(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same_in_every_way(tree, tmp_path / "cache", monkeypatch)


@pytest.mark.corpus
@pytest.mark.skipif("MESHLINT_CORPUS" not in os.environ, reason="MESHLINT_CORPUS names no folder")
def test_every_way_tells_the_same_of_real_repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in sorted(path for path in Path(os.environ["MESHLINT_CORPUS"]).iterdir() if path.is_dir()):
        same_in_every_way(folder, tmp_path / folder.name, monkeypatch)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies need fork")
class TestCopies:
    """Processes that share the rules."""

    def run(self, folder: Path, jobs: str = "3") -> tuple[int, list[str]]:
        return said(folder, "--no-cache", "--jobs", jobs)

    @pytest.fixture(autouse=True)
    def _always(self, monkeypatch: pytest.MonkeyPatch) -> None:
        share_always(monkeypatch)

    def test_a_copy_that_dies_loses_nothing(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        expected = self.run(tree, "1")
        monkeypatch.setattr(shared, "sent", None)
        assert self.run(tree) == expected

    def test_fixes_that_a_copy_does_not_make_are_made_here(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        expected = self.run(tree, "1")
        monkeypatch.setattr(shared, "_decode_orders", None)
        assert self.run(tree) == expected

    def test_a_rule_that_fails_is_told(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = Runner._one

        def fails(runner: Runner, rule: object, resource: object, mesh: object) -> object:
            if getattr(rule, "id", "") == "ML101":
                error = ValueError("no")
                runner._broken = True
                return [runner._failed(rule, resource, mesh, error)]  # type: ignore[arg-type]
            return real(runner, rule, resource, mesh)  # type: ignore[arg-type]

        monkeypatch.setattr(Runner, "_one", fails)
        expected = self.run(tree, "1")
        assert expected[0] == 2
        assert "raised ValueError" in expected[1][0]
        assert self.run(tree) == expected

    def test_no_process_is_left(self, tree: Path) -> None:
        self.run(tree)
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    @pytest.mark.parametrize(("sizes", "count"), [([1] * 100, 2), ([1000], 4), ([5, 900, 5, 5], 2), ([0, 0], 2), ([], 2)])
    def test_pieces_are_everything_once(self, sizes: list[int], count: int) -> None:
        seen = []
        for piece in shared.pieces(sizes, count):
            for number in range(piece.start, piece.stop):
                seen += [(number, at) for at in range(piece.first, sizes[number], piece.of)]
        assert sorted(seen) == [(number, at) for number, size in enumerate(sizes) for at in range(size)]


@pytest.mark.parametrize(("form", "made"), [("text", False), ("concise", False), ("json", True), ("sarif", True)])
def test_fixes_of_more_than_people_read_are_left_to_machines(tree: Path, monkeypatch: pytest.MonkeyPatch, form: str, made: bool) -> None:
    asked = []
    monkeypatch.setattr(engine, "with_fixes", lambda told, *_: asked.append(told) or told)
    monkeypatch.setattr("meshlint.output._MANY", 10)
    run = call("check", ".", "-o", form, "--no-cache", cwd=tree)
    assert bool(asked) is made
    assert ("--diff shows them" in run.out + run.err) is not made
    monkeypatch.setattr("meshlint.output._MANY", 10_000)
    asked.clear()
    call("check", ".", "-o", form, "--no-cache", cwd=tree)
    assert asked


@pytest.mark.tools
def test_of_a_chart_only_what_is_asked_for_is_traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its templates hold back objects of the mesh is answered without tracing all others to their templates."""
    need("helm")
    traced: list[str] = []
    find = HelmOrigins._find

    def found(origins: HelmOrigins) -> object:
        traced.append(origins._document.kind)
        return find(origins)

    monkeypatch.setattr(HelmOrigins, "_find", found)
    objects = [("v1", "ConfigMap"), ("v1", "Secret"), ("apps/v1", "Deployment"), ("networking.istio.io/v1", "VirtualService")]
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n", encoding="utf-8")
    for version, kind in objects:
        text = f"apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {{{{ .Release.Name }}}}\n"
        (tmp_path / "templates" / f"{kind}.yaml").write_text(text, encoding="utf-8")
    call("environments", ".", cwd=tmp_path)
    assert traced == ["VirtualService"]
