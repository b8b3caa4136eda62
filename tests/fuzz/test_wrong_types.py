"""Objects of every kind with values of wrong types: meshlint never crashes and no rule raises."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from meshlint.model.kind import Kind, kind_of
from tests.door import lint
from tests.fuzz.objects import OBJECTS
from tests.fuzz.parts import Json
from tests.fuzz.vendors import HELM_CHART, KUSTOMIZATION
from tests.manifests import write

Steps = tuple[str | int, ...]
WRONG: list[Any] = [
    None, True, 0, -1, 5, 1.5, 10**30, "", " ", "x", "*", ".", "..", "/", "a/b/c", "*.", "a.b.svc", "Infinity", "{{ .Values.x }}",
    "0.0.0.0/0", "\u0000", [], [None], [1], [[]], ["x"], [{}], {}, {"": None}, {"x": None}, {"x": [1]}, {"x": {}}, {"kind": "Service"},
    {"apiVersion": 5},
]  # fmt: skip
FILES = {"mesh.yaml": OBJECTS, "kustomization.yaml": [KUSTOMIZATION], "chart/Chart.yaml": [HELM_CHART]}


def paths(value: Any, at: Steps = ()) -> Iterator[Steps]:
    yield at
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(item, (*at, key))


PLACES = [(file, number, path) for file, objects in FILES.items() for number, one in enumerate(objects) for path in paths(one)]


def put(value: Any, path: Steps, new: Any) -> Any:
    """A copy with another value at the path; what is not there any more is left alone."""
    if not path:
        return new
    step = path[0]
    if isinstance(value, dict) and step in value:
        return {key: put(item, path[1:], new) if key == step else item for key, item in value.items()}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [put(item, path[1:], new) if number == step else item for number, item in enumerate(value)]
    return value


def without(value: Any, path: Steps) -> Any:
    if isinstance(value, dict) and path[0] in value:
        return {key: without(item, path[1:]) if key == path[0] else item for key, item in value.items() if key != path[0] or path[1:]}
    return value


def judge(files: dict[str, list[Any]], apart: bool = False) -> None:
    """Lint the objects, one file a list; `apart`: only the mesh, without what renders it."""
    with tempfile.TemporaryDirectory() as folder:
        texts = {name: "\n---\n".join(json.dumps(one) for one in objects) for name, objects in files.items()}
        texts["apps/service.yaml"] = json.dumps(OBJECTS[1])
        run = lint(write(Path(folder), {"mesh.yaml": texts["mesh.yaml"]} if apart else texts))
    assert run.code in (0, 1), run.err or [finding["message"] for finding in run.findings if finding["name"] == "rule-failed"]


def changed(changes: list[tuple[tuple[str, int, Steps], Any]]) -> dict[str, list[Any]]:
    files = {name: list(objects) for name, objects in FILES.items()}
    for (file, number, path), new in changes:
        files[file][number] = put(files[file][number], path, new)
    return files


def test_every_kind_is_among_the_objects() -> None:
    kinds = {kind_of(one["apiVersion"], one["kind"]) for one in (*OBJECTS, KUSTOMIZATION)}
    assert set(Kind) - kinds == {Kind.KUSTOMIZE_COMPONENT}


def test_the_objects_as_they_are() -> None:
    judge(changed([]))
    judge(changed([]), apart=True)


CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(WRONG)), min_size=1, max_size=40)
PLAIN = settings(
    deadline=None, suppress_health_check=list(HealthCheck), database=None, print_blob=False, phases=[Phase.generate, Phase.shrink]
)


@settings(PLAIN, max_examples=3, derandomize=True)
@given(CHANGES, st.booleans())
def test_some_wrong_values(changes: list[tuple[tuple[str, int, Steps], Any]], apart: bool) -> None:
    judge(changed(changes), apart)


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(8))
def test_many_wrong_values(part: int) -> None:
    @seed(part)
    @settings(PLAIN, max_examples=50)
    @given(CHANGES, st.booleans())
    def many(changes: list[tuple[tuple[str, int, Steps], Any]], apart: bool) -> None:
        judge(changed(changes), apart)

    many()


def renamed(one: Json, number: int) -> Any:
    """The object in a namespace of its own, so that one run judges many of them."""
    return put(one, ("metadata", "namespace"), f"n{number}") if isinstance(one, dict) else one


@pytest.mark.fuzz
@pytest.mark.parametrize("number", range(len(OBJECTS)), ids=lambda number: f"{number}-{OBJECTS[number]['kind']}")
def test_every_value_of_every_object_wrong(number: int) -> None:
    """Each value replaced by each wrong one, and left out, in one run beside the whole mesh."""
    one = OBJECTS[number]
    variants = [put(one, path, new) for path in paths(one) for new in WRONG]
    variants += [without(one, path) for path in paths(one) if path]
    for start in range(0, len(variants), 400):
        objects = [renamed(variant, at) if at % 2 else variant for at, variant in enumerate(variants[start : start + 400])]
        judge({"mesh.yaml": [*OBJECTS, *copy.deepcopy(objects)]}, apart=True)


@pytest.mark.fuzz
@pytest.mark.parametrize("file", ["kustomization.yaml", "chart/Chart.yaml"])
def test_every_value_of_a_build_file_wrong(file: str) -> None:
    for path in paths(FILES[file][0]):
        for new in WRONG:
            judge({"mesh.yaml": OBJECTS[:3], "patch.yaml": [OBJECTS[1]], file: [put(FILES[file][0], path, new)]})
