"""Istio's Bookinfo samples convert to what the Gateway API samples beside them say, in routing terms."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshlint.model.conversion import Manner
from meshlint.model.kind import Kind
from tests.convert.small import NEW
from tests.routing import routes
from tests.routing.cluster import Cluster
from tests.routing.common import Request
from tests.routing.convert import mesh_of

pytestmark = pytest.mark.corpus
Json = dict[str, Any]


@pytest.fixture(scope="module")
def bookinfo() -> Path:
    corpus = os.environ.get("MESHLINT_CORPUS")
    folder = Path(corpus or "", "istio+istio/samples/bookinfo")
    if not corpus or not folder.is_dir():
        pytest.skip("MESHLINT_CORPUS names no folder with Istio's samples")
    return folder


def read(folder: Path, *names: str) -> list[Json]:
    return [one for name in names for one in yaml.safe_load_all((folder / name).read_text(encoding="utf-8")) if one]


def converted(folder: Path, name: str, gateways: bool = False) -> tuple[list[Json], list[Json]]:
    """All objects of the cluster with what the VirtualServices of a sample become, and the routes among these."""
    cluster = read(folder, "platform/kube/bookinfo.yaml", "networking/destination-rule-all.yaml")
    mesh = mesh_of([*cluster, *read(folder, f"networking/{name}.yaml")], NEW)
    made = []
    for service in mesh.all(Kind.VIRTUAL_SERVICE):
        found = mesh.convert(service, Manner(gateways))
        assert found.whole, [reason.text for reason in found.because]
        made += [dict(one) for one in found.documents]
    return [*cluster, *made], [one for one in made if one["kind"] == "HTTPRoute"]


@pytest.mark.parametrize(
    ("sample", "documented"),
    [
        ("virtual-service-all-v1", "route-all-v1"),
        ("virtual-service-reviews-50-v3", "route-reviews-50-v3"),
        ("virtual-service-reviews-90-10", "route-reviews-90-10"),
        ("virtual-service-reviews-v3", "route-reviews-v3"),
    ],
)
def test_mesh(sample: str, documented: str, bookinfo: Path) -> None:
    objects, mine = converted(bookinfo, sample)
    theirs = read(bookinfo, f"gateway-api/{documented}.yaml")
    documented_cluster = Cluster(read(bookinfo, "platform/kube/bookinfo.yaml", "platform/kube/bookinfo-versions.yaml"), "")
    parents = {ref["name"] for route in theirs for ref in route["spec"]["parentRefs"]}
    assert {ref["name"] for route in mine for ref in route["spec"]["parentRefs"]} == parents
    for parent in sorted(parents):
        for path in ("/", "/reviews/0", "/anything"):
            request = Request(path, host=parent)
            answer = routes.answer(mine, request, Cluster(objects, ""), parent)
            assert answer is not None
            assert answer == routes.answer(theirs, request, documented_cluster, parent)


def test_gateway(bookinfo: Path) -> None:
    objects, mine = converted(bookinfo, "bookinfo-gateway", gateways=True)
    theirs = [one for one in read(bookinfo, "gateway-api/bookinfo-gateway.yaml") if one["kind"] == "HTTPRoute"]
    served = 0
    for path in (
        "/",
        "/productpage",
        "/static",
        "/static/a.css",
        "/login",
        "/login/x",
        "/logout",
        "/api/v1/products/1",
        "/api/v1",
        "/other",
    ):
        answers = [routes.answer(each, Request(path, port=80), Cluster(objects, ""), "bookinfo-gateway") for each in (mine, theirs)]
        assert answers[0] == answers[1], path
        served += bool(answers[0] and answers[0].shares)
    assert served == 6
