"""Rendering a repository that means harm: it runs nothing, reaches no network, and ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshlint.render.recipe import Outcome, Recipe
from meshlint.render.run.child import Job, environment, isolated, run_all
from meshlint.render.run.limits import Limits
from meshlint.render.run.tools import Tools
from meshlint.testing import lint
from tests.hostile_rendering import CHART, CONFIG_MAP, QUICK, SECRET, charted, kustomized, packed, printed, render, repository, write
from tests.tools import need

pytestmark = pytest.mark.tools


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path)


@pytest.fixture
def server() -> Iterator[tuple[str, list[object]]]:
    """An address, and who connected to it."""
    met: list[object] = []
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.1)
    stop = threading.Event()

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, address = listening.accept()
            except OSError:
                continue
            met.append(address)
            connection.close()

    thread = threading.Thread(target=accept)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", met
    stop.set()
    thread.join()
    listening.close()


EXEC = """\
apiVersion: example.com/v1
kind: Runs
metadata:
  name: runs
  annotations:
    config.kubernetes.io/function: |
      exec: {path: ./run.sh}
"""


@pytest.mark.parametrize("key", ["transformers", "generators", "validators"])
@pytest.mark.parametrize("inline", [False, True])
def test_no_plugin_runs(root: Path, key: str, inline: bool) -> None:
    mark = root / "ran"
    entry = "\n".join(["- |-", *(f"  {line}" for line in EXEC.splitlines())]) if inline else "- runs.yaml"
    write(
        root,
        {
            "app/kustomization.yaml": f"resources: [ours.yaml]\n{key}:\n{entry}\n",
            "app/ours.yaml": CONFIG_MAP,
            "app/runs.yaml": EXEC,
            "app/run.sh": f"#!/bin/sh\necho ran > {mark}\n",
        },
    )
    (root / "app/run.sh").chmod(0o755)
    outcome = kustomized(root)
    assert outcome.objects is not None and [draft.name for draft in outcome.objects] == ["ours"]
    assert outcome.reason is not None and f"Runs of {key} is a plugin, which is not run" in outcome.reason
    assert not mark.exists()


def test_no_container_runs(root: Path) -> None:
    image = EXEC.replace("exec: {path: ./run.sh}", "container: {image: example.com/evil}")
    write(root, {"app/kustomization.yaml": "resources: [ours.yaml]\ntransformers: [runs.yaml]\n", "app/ours.yaml": CONFIG_MAP})
    write(root, {"app/runs.yaml": image})
    outcome = kustomized(root)
    assert outcome.objects is not None and outcome.reason is not None and "plugin" in outcome.reason


def test_a_folder_of_plugins_runs_none(root: Path) -> None:
    """What stands behind a folder is refused by kustomize itself."""
    mark = root / "ran"
    write(
        root,
        {
            "app/kustomization.yaml": "resources: [ours.yaml]\ntransformers: [./plugins]\n",
            "app/ours.yaml": CONFIG_MAP,
            "app/plugins/kustomization.yaml": "resources: [runs.yaml]\n",
            "app/plugins/runs.yaml": EXEC,
            "app/plugins/run.sh": f"#!/bin/sh\necho ran > {mark}\n",
        },
    )
    (root / "app/plugins/run.sh").chmod(0o755)
    outcome = kustomized(root)
    assert outcome.failed and outcome.objects is None and not mark.exists()


def test_kustomize_reaches_no_network(root: Path, server: tuple[str, list[object]]) -> None:
    address, met = server
    files = {"app/kustomization.yaml": f"resources: [ours.yaml, {address}/x.yaml, '{address}/repo.git//base?ref=v1']\n"}
    charts = f"helmCharts: [{{name: evil, repo: '{address}', version: 1.0.0}}]\nopenapi: {{path: '{address}/schema.json'}}\n"
    write(root, {"app/kustomization.yaml": files["app/kustomization.yaml"] + charts, "app/ours.yaml": CONFIG_MAP})
    outcome = kustomized(root)
    assert outcome.objects is not None and [draft.name for draft in outcome.objects] == ["ours"]
    assert len(outcome.missing) == 4 and outcome.reason is not None and "is remote" in outcome.reason
    assert met == []


def test_a_remote_name_that_lies_here_is_what_lies_here(root: Path) -> None:
    write(root, {"app/kustomization.yaml": "resources: [example.com/base]\n", "app/example.com/base/ours.yaml": CONFIG_MAP})
    write(root, {"app/example.com/base/kustomization.yaml": "resources: [ours.yaml]\n"})
    outcome = kustomized(root)
    assert outcome.objects is not None and [draft.name for draft in outcome.objects] == ["ours"] and outcome.missing == ()


def test_a_chart_reaches_no_network(root: Path, server: tuple[str, list[object]]) -> None:
    address, met = server
    schema = f'{{"$ref": "{address}/schema.json"}}'
    asked = '{{ printf "%s %s" (getHostByName "localhost") (lookup "v1" "Secret" "a" "b" | toJson) | quote }}'
    chart = f"{CHART}dependencies: [{{name: far, version: 1.0.0, repository: '{address}'}}]\n"
    need("helm")
    write(root, {"evil/Chart.yaml": chart, "evil/templates/x.yaml": CONFIG_MAP.replace("value", asked)})
    write(root, {"evil/values.schema.json": schema, "evil/values.yaml": "a: 1\n"})
    outcome = render(root, Recipe("helm", "evil"))
    assert outcome.objects is not None and "127.0.0.1" not in printed(outcome).replace(address, "")
    assert [lack.what for lack in outcome.missing] == [f"chart far of {address} is not in the repository"]
    assert met == []


def test_a_child_reaches_no_address(root: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, list[object]]) -> None:
    """Whatever a tool tries: where the system allows it, there is no network for it."""
    if not isolated():
        pytest.skip("the system lets nobody take the network away from a child (unshare --net)")
    address, met = server
    port = address.rpartition(":")[2]
    program = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
    outcome = with_tool(root, monkeypatch, f'exec {sys.executable} -c "{program}"')
    assert outcome.failed and outcome.reason is not None and met == []
    subprocess.run([sys.executable, "-c", program], check=True)  # which anybody else reaches
    assert wait_for(met)


def wait_for(met: list[object]) -> bool:
    ends = time.monotonic() + 5
    while not met and time.monotonic() < ends:
        time.sleep(0.01)
    return bool(met)


def test_a_packed_chart_that_unpacks_to_too_much_ends(root: Path) -> None:
    lower = {"lower/Chart.yaml": CHART.replace("evil", "lower").encode(), "lower/templates/x.yaml": b"# " + b"x" * (200 << 20)}
    packed(root / "evil/charts/lower-1.0.0.tgz", lower)
    begun = time.monotonic()
    outcome = charted(root, CONFIG_MAP)
    assert outcome.failed and outcome.objects is None and time.monotonic() - begun < 15


def test_a_chart_without_end_is_stopped(root: Path) -> None:
    begun = time.monotonic()
    loop = "{{ range until 2000 }}" * 4 + "{{ end }}" * 4
    outcome = charted(root, loop)
    assert outcome.failed and outcome.reason is not None and ("took longer than 3 seconds" in outcome.reason or "killed" in outcome.reason)
    assert time.monotonic() - begun < 15


def test_a_chart_that_prints_without_end_is_stopped(root: Path) -> None:
    """Helm collects all output before it prints: the limits of memory, time or output end it."""
    outcome = charted(root, CONFIG_MAP + '# {{ repeat 1000 "x" }}\n{{- range until 1000000 }}\n# {{ repeat 1000 "x" }}{{ end }}')
    assert outcome.failed and outcome.objects is None


def test_much_output_is_stopped(root: Path) -> None:
    outcome = charted(root, f"{CONFIG_MAP}{{{{- range until 100 }}}}\n# {{{{ repeat 100000 \"x\" }}}}{{{{ end }}}}\n")
    assert outcome.reason is not None and "wrote more than 4 MB" in outcome.reason


def test_a_bomb_of_values_ends(root: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    outcome = charted(root, CONFIG_MAP.replace("value", "{{ .Values.a11 | toJson | quote }}"), values_dot_yaml="\n".join(lines))
    assert outcome.objects is None and outcome.reason


def test_a_bomb_in_a_kustomization_ends(root: Path) -> None:
    lines = ["x0: &x0 [x, x, x, x, x, x, x, x, x, x]", *(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 6))]
    write(root, {"app/kustomization.yaml": "resources: [ours.yaml]\n" + "\n".join(lines), "app/ours.yaml": CONFIG_MAP})
    assert kustomized(root).objects is None


def test_circles_end(root: Path) -> None:
    write(root, {"app/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../app]\n"})
    outcome = kustomized(root)
    assert outcome.failed and outcome.reason is not None and "cycle" in outcome.reason


def fake(folder: Path, script: str, name: str = "kustomize") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def with_tool(root: Path, monkeypatch: pytest.MonkeyPatch, script: str, limits: Limits = QUICK) -> Outcome:
    fake(root.parent / "bin", script)
    monkeypatch.setenv("PATH", str(root.parent / "bin"))
    write(root, {"app/kustomization.yaml": "resources: [ours.yaml]\n", "app/ours.yaml": CONFIG_MAP})
    return render(root, Recipe("kustomize", "app"), limits)


def test_a_killed_child_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = with_tool(root, monkeypatch, "kill -9 $$")
    assert outcome.failed and outcome.reason == "kustomize build failed: was killed (SIGKILL)"
    assert [(trouble.rule, trouble.file, trouble.message) for trouble in outcome.troubles] == [
        ("render-failed", "app/kustomization.yaml", "kustomize build failed: was killed (SIGKILL)")
    ]


def test_a_failure_names_paths_of_the_repository(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = with_tool(root, monkeypatch, 'echo "Error: $2/ours.yaml is bad, see $HOME/x" >&2; exit 1')
    assert outcome.reason == "kustomize build failed: app/ours.yaml is bad, see ..."


def test_children_of_a_child_end_with_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    outcome = with_tool(root, monkeypatch, "(while :; do :; done) & while :; do :; done", Limits(seconds=1))
    assert outcome.failed and time.monotonic() - begun < 15


def test_a_child_gets_nothing_of_the_caller(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_PLUGINS", "/plugins")
    monkeypatch.setenv("TOKEN", SECRET)
    monkeypatch.setenv("KUBECONFIG", "/home/user/.kube/config")
    script = 'echo "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: told}\ndata:"; set | while read -r line; do echo "  # $line"; done'
    text = printed(with_tool(root, monkeypatch, script))
    assert "told" in text and SECRET not in text and "'/plugins'" not in text and ".kube" not in text
    assert f"KUBECONFIG='{os.devnull}'" in text and "127.0.0.1:9" in text


def test_no_program_is_on_the_path_of_a_child(tmp_path: Path) -> None:
    variables = environment(str(tmp_path))
    assert variables["PATH"] == str(tmp_path / "bin") and {name for name in variables if "PROXY" in name.upper()}
    assert set(variables.values()).isdisjoint({os.environ["PATH"], os.environ.get("HOME")})


def test_no_tool_comes_from_the_repository(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(root / "bin", "exit 0")
    (root.parent / "links").mkdir()
    (root.parent / "links/kustomize").symlink_to(root / "bin/kustomize")
    monkeypatch.chdir(root / "bin")
    monkeypatch.setenv("PATH", os.pathsep.join((".", "", "bin", str(root / "bin"), str(root.parent / "links"))))
    assert Tools(str(root)).find("kustomize") is None


def test_no_child_is_left_when_a_run_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    job = Job(("/bin/sh", "-c", 'echo $$; while :; do :; done'), str(tmp_path), str(tmp_path / "home"))
    quick = Job(("/bin/sh", "-c", "exit 0"), str(tmp_path), str(tmp_path / "home"))
    running = run_all([lambda: quick, lambda: job], Limits(seconds=60), 2)
    assert next(running)[1].fine
    children = threading.active_count()
    running.close()  # type: ignore[attr-defined]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert children == threading.active_count()


def test_a_hostile_repository_is_linted_to_its_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("kustomize", "helm")
    monkeypatch.setattr("meshlint.render.run.renderer.Settings.__new__.__defaults__", (False, None, None, QUICK))
    resources = f"[ours.yaml, {root.parent}/outside, https://example.com/x.yaml]"
    write(
        root,
        {
            "app/kustomization.yaml": f"resources: {resources}\ntransformers: [runs.yaml]\n",
            "app/ours.yaml": CONFIG_MAP,
            "app/runs.yaml": EXEC,
            "evil/Chart.yaml": CHART,
            "evil/templates/x.yaml": "{{ range until 2000 }}" * 4 + "{{ end }}" * 4,
        },
    )
    run = lint(root)
    statuses = {one["name"]: one["status"] for one in run.report["coverage"]["environments"]}
    assert run.code in (0, 1) and statuses["app"] == "rendered" and statuses["evil"] == "failed" and SECRET not in run.out
