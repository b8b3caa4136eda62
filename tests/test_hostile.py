"""Files made to break a reader, through the public door: never a crash, never a wait, never a raw control character."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import pytest

from tests.door import Run, call, lint
from tests.manifests import ERROR, MESH, ROUTE, SERVICE, write

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
FORMATS = ["text", "concise", "json", "sarif", "github"]


def sane(folder: Path) -> Run:
    """Lint in every format: no crash, the same exit code, nothing that a terminal would obey."""
    runs = {form: call("-o", form, cwd=folder) for form in FORMATS}
    assert {run.code for run in runs.values()} <= {0, 1} or {run.code for run in runs.values()} == {3}, runs["json"].err
    assert len({run.code for run in runs.values()}) == 1
    for form, run in runs.items():
        shown = run.err if form in ("json", "sarif") else run.out + run.err  # what programs read keeps every character
        found = CONTROL.search(shown)
        assert found is None, (form, shown[max(0, found.start() - 80) : found.end() + 20])
        assert re.search(r"[\x00-\x09\x0b-\x1f]", run.out) is None
    assert json.loads(runs["sarif"].out)["version"] == "2.1.0"
    coverage = runs["json"].report["coverage"]
    assert coverage["found"] == coverage["read"] + coverage["skipped_files"]
    return runs["json"]


def names(run: Run) -> set[str]:
    return {finding["name"] for finding in run.findings}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)
MERGES = "a: &a {x: 1}\n" + "".join(f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}' if i else '*a'] * 9)}], k{i}: 1}}\n" for i in range(40))

TEXTS = {
    "brackets": "[" * 30_000,
    "closed brackets": "[" * 30_000 + "]" * 30_000,
    "braces": "{a: " * 30_000 + "}" * 30_000,
    "json brackets": "[" * 30_000 + "1" + "]" * 30_000,
    "deep blocks": "".join(" " * depth + "a:\n" for depth in range(1_500)),
    "deep sequences": "- " * 30_000 + "x",
    "deep object": "apiVersion: v1\nkind: Service\nmetadata: " + "{a: " * 5_000 + "}" * 5_000,
    "billion laughs": BOMB,
    "merges": MERGES,
    "self reference": "a: &a [*a]\nb: &b {<<: *b}\n",
    "questions": "? " * 20_000 + "x",
    "anchors": "".join(f"- &a{i} x\n" for i in range(20_000)),
    "tags": "!!python/object/apply:os.system ['true']\n",
    "documents": "---\n" * 20_000,
    "comments of Windows": "# licence\r\n" * 5_000 + "x: 1\r\n---\r\n" + "#\r\n" * 5_000,
    "comments of Windows before what breaks": "# licence\r\n" * 5_000 + "a: [\r\n---\r\n" + "#\r\n" * 5_000 + "b: {\r\n",
    "directives": "%YAML 9.9\n%TAG ! tag:x,2000:\n---\na\n",
    "long line": SERVICE + "# " + "x" * 5_000_000,
    "long value": f"apiVersion: v1\nkind: Service\nmetadata: {{name: {'x' * 5_000_000}}}\n",
    "long key": f"apiVersion: v1\nkind: Service\n{'x' * 1_000_000}: 1\n",
    "many keys": "apiVersion: v1\nkind: Service\nspec:\n" + "".join(f"  k{i}: 1\n" for i in range(20_000)),
    "duplicate keys": "apiVersion: v1\nkind: Service\nkind: Pod\nspec: 1\nspec: 2\n",
    "big numbers": SERVICE.replace("9080", "9" * 10_000 + "}, {port: 1e999999}, {port: .nan}, {port: 0x" + "f" * 9999),
    "sexagesimal": "apiVersion: v1\nkind: Service\nmetadata: {name: 190:20:30, namespace: 2001-01-01}\n",
    "empty": "",
    "blank": " \n\t\n",
    "comment": "# nothing\n",
    "mark": "\ufeff",
    "scalar": "just text\n",
    "null": "null\n",
    "tabs": "a:\n\t- b\n",
    "nested list": "apiVersion: v1\nkind: List\nitems: " * 300 + "[]\n",
    "lists": '{"apiVersion": "v1", "kind": "List", "items": [' * 400 + "]}" * 400,
    "templates": "{{- if .Values.x }}\nkind: Service\n{{ end }}\n" * 2_000,
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("name", ["x.yaml", "x.json", "kustomization.yaml", "Chart.yaml"])
def test_text(tmp_path: Path, name: str, text: str) -> None:
    folder = write(tmp_path, {name: text, "good.yaml": ROUTE})
    run = lint(folder)
    assert run.code in (0, 1), run.err
    assert "rule-failed" not in names(run)
    assert "good.yaml" in {finding["file"] for finding in run.findings}


@pytest.mark.parametrize("text", ["brackets", "billion laughs", "long line", "tags", "duplicate keys", "big numbers", "deep object"])
def test_text_in_every_format(tmp_path: Path, text: str) -> None:
    sane(write(tmp_path, {"x.yaml": TEXTS[text], **MESH}))


BYTES = {
    "nul": b"apiVersion: v1\nkind: Serv\x00ice\n",
    "nul only": b"\x00" * 1000,
    "not utf-8": b"apiVersion: v1\nkind: \xff\xfe\n",
    "cut utf-8": SERVICE.encode() + b"# \xe2\x82",
    "overlong": b"kind: \xc0\xaf\n",
    "surrogates": b"kind: \xed\xa0\x80\n",
    "cut utf-16": b"\xff\xfea",
    "utf-16 lone surrogate": b"\xff\xfe" + "kind: ".encode("utf-16-le") + b"\x00\xd8\n\x00",
    "random": bytes(range(256)) * 50,
    "gzip": b"\x1f\x8b\x08\x00" + bytes(range(200)),
    "escapes": b"apiVersion: v1\nkind: \x1b[31mService\n",
    "escaped surrogate": b'apiVersion: v1\nkind: Service\nmetadata: {name: "\\ud800"}\n',
    "escaped control": b'apiVersion: v1\nkind: Service\nmetadata: {name: "\\e[31m\\0\\r"}\n',
}


@pytest.mark.parametrize("content", BYTES.values(), ids=BYTES.keys())
@pytest.mark.parametrize("name", ["x.yaml", "x.json"])
def test_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    write(tmp_path, MESH)
    (tmp_path / name).write_bytes(content)
    run = sane(tmp_path)
    assert ERROR in names(run) and "rule-failed" not in names(run)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_of_unicode(tmp_path: Path, encoding: str) -> None:
    write(tmp_path, MESH)
    (tmp_path / "route.yaml").write_text(ROUTE, encoding=encoding)
    place = (8, ROUTE.splitlines()[7].index("v9") + 1)
    assert [(finding["line"], finding["column"]) for finding in lint(tmp_path, "--select", ERROR).findings] == [place]


def test_files_that_are_none(tmp_path: Path) -> None:
    write(tmp_path, MESH)
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "dangling.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "a.yaml").symlink_to("b.yaml")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    (tmp_path / "up").symlink_to(".")
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(tmp_path)  # the path of a socket is short
        server.bind("socket.yaml")
        os.chdir(before)
        run = sane(tmp_path)
        for name in ("fifo.yaml", "dangling.yaml", "loop.yaml", "socket.yaml", "folder.yaml"):
            assert call(name, "-o", "json", cwd=tmp_path).code in (0, 1, 3), name
    assert ERROR in names(run)
    assert {row["file"] for row in run.report["coverage"]["skipped"]} <= {"fifo.yaml", "socket.yaml"}


def test_a_fifo_that_is_named_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    run = call("fifo.yaml", "-o", "json", cwd=tmp_path)
    assert [row["reason"] for row in run.report["coverage"]["skipped"]] == ["not a regular file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    write(tmp_path, MESH)
    (tmp_path / "service.yaml").chmod(0)
    run = sane(tmp_path)
    assert [row["file"] for row in run.report["coverage"]["skipped"]] == ["service.yaml"]
    assert "unreadable-file" in names(run)


NAMES = ["x" * 240 + ".yaml", "new\nline.yaml", "\x1b[31mred.yaml", "\u202egpj.yaml", "-o.yaml", "a:1:2: error ML101.yaml",
         "::error::x.yaml", "%0A.yaml", "#.yaml", "?x.yaml", " .yaml", "\u2028.yaml", "'\"`$(x).yaml", "\t.yaml", "~.yaml"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_file_names(tmp_path: Path, name: str) -> None:
    write(tmp_path, {**MESH, name: ROUTE.replace("name: reviews,", "name: odd,"), f"{name}.d/broken.yaml": "a: ["})
    run = sane(tmp_path)
    assert name in {finding["file"] for finding in run.findings}
    assert f"{name}.d/broken.yaml" in {row["file"] for row in run.report["coverage"]["skipped"]}
    assert call("--show-files", cwd=tmp_path).code == 0
    assert CONTROL.search(call("--show-files", cwd=tmp_path).out) is None


def test_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    write(tmp_path, MESH)
    try:
        (tmp_path / os.fsdecode(b"\xff\xfe.yaml")).write_text(ROUTE.replace("name: reviews,", "name: odd,"))
    except OSError:
        pytest.skip("this file system holds no such name")
    run = sane(tmp_path)
    assert any("\ufffd" in finding["file"] for finding in run.findings)
    assert call("--show-files", cwd=tmp_path).code == 0


def test_github_commands_cannot_be_injected(tmp_path: Path) -> None:
    evil = "x\n::error file=a::owned\r\n::set-output name=a::b"
    text = ROUTE.replace("subset: v9", f"subset: {json.dumps(evil)}")
    write(tmp_path, {**MESH, "route.yaml": text, "::stop-commands::x.yaml": ROUTE})
    for line in call("-o", "github", cwd=tmp_path).out.splitlines():
        assert re.match(r"::(error|warning|notice) file=", line)
        assert "owned" not in line or "::error file=a" not in line.partition("::")[0]


ESCAPES = ["\x1b[31mred\x1b[0m", "a\rb", "a\nb: c", "\x07", "\u202e", "\u2028", "\x00", "\x9b31m", "\N{ROCKET}", "v" * 10_000,
           "%0A::error::", "\x1b]8;;http://x\x07"]  # fmt: skip


@pytest.mark.parametrize("value", ESCAPES, ids=lambda value: ascii(value)[:20])
def test_values_with_escapes(tmp_path: Path, value: str) -> None:
    quoted = json.dumps(value)
    texts = {name: text.replace("reviews.shop.svc.cluster.local", f"{quoted}") for name, text in MESH.items()}
    more = {f"name-{name}": text.replace("name: reviews,", f"name: {quoted},") for name, text in MESH.items()}
    labels = SERVICE.replace("namespace: shop", f"labels: {{{quoted}: {quoted}}}")
    subset = {"subset.yaml": ROUTE.replace("v9", quoted), "label.yaml": labels}
    kind = {"kind.yaml": f"apiVersion: {quoted}\nkind: {quoted}\n{quoted}: {quoted}\n", "broken.yaml": f"{quoted}: [\n"}
    run = sane(write(tmp_path, {**texts, **more, **subset, **kind}))
    assert "rule-failed" not in names(run)


def test_a_configuration_with_escapes(tmp_path: Path) -> None:
    write(tmp_path, {"meshlint.toml": '"\\u001b[31m" = 1\nselect = ["\\u001b[31mx"]\n'})
    run = call(cwd=tmp_path)
    assert run.code == 2 and CONTROL.search(run.err) is None
    assert CONTROL.search(call("\x1b[31m", cwd=tmp_path).err) is None


def test_many_files(tmp_path: Path) -> None:
    write(tmp_path, {f"d{i % 40}/f{i}.yaml": ROUTE.replace("name: reviews,", f"name: r{i},") for i in range(400)})
    assert lint(tmp_path).report["coverage"]["resources"] == 400


LEADS_OUT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ../../escaped}
spec: {hosts: [r.shop.svc.cluster.local], http: [{route: [{destination: {host: r.shop.svc.cluster.local}}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: r, namespace: shop}
spec: {selector: {app: r}, ports: [{port: 80, name: http}]}
"""
LIMITED = {
    "app/limits.yaml": "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: limits, namespace: shop}\n"
    "spec: {workloadSelector: {labels: {app: r}}, inboundConnectionPool: {tcp: {maxConnections: 10}}}\n",
    "app/thing.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: ../../escaped, namespace: shop}\n"
    "spec: {selector: {app: r}, ports: [{port: 80, name: http}]}\n",
    "app/pods.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: r, namespace: shop}\n"
    "spec: {selector: {matchLabels: {app: r}}, template: {metadata: {labels: {app: r}}, spec: {containers: [{name: a, image: b}]}}}\n",
    "app/shop.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n",
}


def test_names_of_objects_lead_no_new_file_out_of_its_folder(tmp_path: Path) -> None:
    call("--unsafe-fixes", cwd=write(tmp_path / "a/b", LIMITED))
    assert (tmp_path / "a/b/app/escaped-destinationrule.yaml").exists()
    call("convert", "--write", "out/new", cwd=write(tmp_path / "c/d", {"route.yaml": LEADS_OUT}))
    assert (tmp_path / "c/d/out/new/escaped.yaml").exists()
    assert len(list(tmp_path.rglob("*escaped*"))) == 2
