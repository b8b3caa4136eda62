"""What applications add, what is kept between runs, and what children are given."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from meshlint.model.node import Node
from meshlint.model.position import Source
from meshlint.read.compose import compose
from meshlint.render.origin.made import CHANGING, Made
from meshlint.render.origin.substitute import Substitution
from meshlint.render.recipe import Missing, Recipe
from meshlint.render.run.child import Job, run_all
from meshlint.render.run.limits import Limits
from meshlint.render.run.overlay import overlay_of
from meshlint.render.run.results import Results
from meshlint.render.run.said import message_of
from meshlint.render.run.stage import Files, Refusal, Stage


def node(text: str) -> Node:
    return compose(text, Source("x.yaml", text))[0].root


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("images", "[app:2]", {"images": [{"name": "app", "newTag": "2"}]}),
        ("images", "['app=other/app:2']", {"images": [{"name": "app", "newTag": "2", "newName": "other/app"}]}),
        ("images", "['host:5000/app@sha256:1']", {"images": [{"name": "host:5000/app", "digest": "sha256:1"}]}),
        ("images", "[{name: app, newTag: '3'}]", {"images": [{"name": "app", "newTag": "3"}]}),
        ("replicas", "[{name: app, count: '2'}]", {"replicas": [{"name": "app", "count": 2}]}),
        ("commonLabels", "{a: true}", {"commonLabels": {"a": "true"}}),
        ("labels", "{a: b}", {"labels": [{"pairs": {"a": "b"}, "includeSelectors": False}]}),
        ("namespace", "shop", {"namespace": "shop"}),
        ("patchesStrategicMerge", "[{kind: A}]", {"patches": [{"patch": '{"kind": "A"}'}]}),
        ("unknown", "[1]", {}),
    ],
)
def test_overlays(field: str, text: str, expected: dict[str, object]) -> None:
    assert overlay_of([(field, node(text))]) == expected


def substitution(text: str, missing: bool = False) -> str:
    given = node("{color: green, empty: ''}")
    pairs = tuple((name, value.text or "", value) for name, value in given.items())
    lacking = (Missing("a Secret"),) if missing else ()
    return Substitution(Recipe("kustomize", "a", substitute=pairs, missing=lacking)).on(text)


@pytest.mark.parametrize(
    ("text", "whole", "partly"),
    [
        ("a: ${color}", "a: green", "a: green"),
        ("a: ${none}", "a: ", "a: ${none}"),
        ("a: ${none:=x}", "a: x", "a: ${none:=x}"),
        ("a: ${empty:-x} ${empty=x}", "a: x ", "a: x "),
        ("a: $${color}", "a: ${color}", "a: ${color}"),
        ("a: $color {color}", "a: $color {color}", "a: $color {color}"),
        ("metadata:\n  labels:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\na: ${color}", None, None),
    ],
)
def test_substitution(text: str, whole: str | None, partly: str | None) -> None:
    assert substitution(text) == (text if whole is None else whole)
    assert substitution(text, missing=True) == (text if partly is None else partly)


def test_what_differs_from_run_to_run_is_not_known() -> None:
    assert Made().steady(["a: 1\nb: x\n", "a: 1\nb: y\n"]) == f'a: 1\nb: "{CHANGING}"\n'
    assert Made().steady(["a: |\n  x\n", "a: |\n  y\n"]) == f"a: |\n  {CHANGING}\n"


def test_results_are_kept(tmp_path: Path) -> None:
    first = Results(str(tmp_path), "/root")
    digest = first.digest([b"a", b"bc"])
    assert digest != first.digest([b"ab", b"c"]) and first.find(digest) is None
    first.add(digest, True, "out")
    first.save()
    assert Results(str(tmp_path), "/root").find(digest) == (True, "out")
    assert Results(str(tmp_path), "/other").find(digest) is None
    assert Results(None, "/root").find(digest) is None


def test_a_damaged_result_is_none(tmp_path: Path) -> None:
    first = Results(str(tmp_path), "/root")
    first.add("d", False, "out")
    first.save()
    (name,) = os.listdir(tmp_path)
    content = (tmp_path / name).read_bytes()
    for damaged in (b"", content[:-3], b"x" * 50):
        (tmp_path / name).write_bytes(damaged)
        assert Results(str(tmp_path), "/root").find("d") is None


def test_children_run_side_by_side_and_say_how_they_ended(tmp_path: Path) -> None:
    scripts = ["echo out", "echo bad >&2; exit 3", "kill -15 $$", "sleep 60", "while :; do echo xxxxxxxxxxxxxxxx; done", ""]
    jobs = [Job(("/bin/sh", "-c", script), str(tmp_path), str(tmp_path)) for script in scripts]
    jobs[5] = Job((str(tmp_path / "nothing"),), str(tmp_path), str(tmp_path))
    jobs[3] = Job(("/bin/sleep", "60"), str(tmp_path), str(tmp_path))
    done = dict(run_all([partial(lambda job: job, job) for job in jobs], Limits(seconds=1, output=1 << 16), 3))
    assert done[0].fine and done[0].out == b"out\n"
    assert message_of(done[1], "/t") == "bad"
    assert message_of(done[2], "/t") == "was killed (SIGTERM)"
    assert message_of(done[3], "/t") == "took longer than 1 seconds"
    assert done[4].stopped is not None and "wrote more than" in done[4].stopped
    assert not done[5].fine


def test_messages_of_nested_folders_say_the_last() -> None:
    from meshlint.render.run.child import Done

    inner = "recursed accumulation of path '/t/0/in/repo/b': accumulating resources: no such file"
    text = f"Error: accumulating resources: accumulation err='x': {inner}\n"
    assert message_of(Done(1, b"", text.encode()), "/t") == "b: no such file"


def test_files_end_at_the_root(tmp_path: Path) -> None:
    (tmp_path / "root/a").mkdir(parents=True)
    (tmp_path / "root/a/x").write_text("x")
    (tmp_path / "out").write_text("secret")
    (tmp_path / "root/a/link").symlink_to(tmp_path / "out")
    (tmp_path / "root/inside").symlink_to(tmp_path / "root/a")
    files = Files(str(tmp_path / "root"), {"a/y": "from an editor"})
    assert files.content("a/x") == b"x" and files.content("inside/x") == b"x" and files.content("a/y") == b"from an editor"
    assert files.content("a/link") is None and files.leads_out("a/link") and files.content("a") is None
    assert files.real("inside") == "a" and files.real("../out") is None and files.real("") == ""
    assert files.below("", 10) == ["a/x", "a/y", "inside/x", "inside/y"]
    with pytest.raises(Refusal):
        files.below("", 0)


def test_a_stage_has_limits(tmp_path: Path) -> None:
    stage = Stage(Limits(input=10, files=2))
    stage.put("a", b"12345", "a")
    stage.put("a", b"1234567890", "a")
    with pytest.raises(Refusal):
        stage.put("b", b"1")


def test_a_message_in_quotes_is_said_without_them() -> None:
    from meshlint.render.run.child import Done

    text = 'E1122 01:23:42.221807   28513 run.go:72] "command failed" err="invalid Kustomization: json: unknown field \\"patch\\""\n'
    assert message_of(Done(1, b"", text.encode()), "/t") == 'invalid Kustomization: json: unknown field "patch"'
    assert message_of(Done(1, b"", b'Error: "a" and "b"\n'), "/t") == '"a" and "b"'
