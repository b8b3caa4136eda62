"""Dependencies of a chart on an alias of a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshlint.render.run.charts import chart_at
from meshlint.render.run.stage import Files


def charts(folder: Path, repository: str, wanted: str, version: str = "1.2.3", name: str = "common") -> list[str]:
    dependency = f"{{name: common, version: '{wanted}', repository: '{repository}'}}"
    texts = {
        "charts/shop/Chart.yaml": f"apiVersion: v2\nname: shop\ndependencies: [{dependency}]\n",
        "charts/common/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\ntype: library\n",
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    found = chart_at(Files(str(folder), {}), "charts/shop")
    assert found is not None
    return [chart.folder for chart in found.below] or [lack.what for lack in found.missing]


@pytest.mark.parametrize("repository", ["@own", "alias:own"])
def test_the_chart_beside_is_the_one_that_is_meant(repository: str, tmp_path: Path) -> None:
    assert charts(tmp_path, repository, "1.2.3") == ["charts/common"]


@pytest.mark.parametrize(
    ("wanted", "version", "fits"),
    [
        ("1.2.3", "1.2.4", False), ("=1.2.3", "1.2.3", True), ("^1.2.0", "1.4.0", True), ("^1.2.0", "2.0.0", False),
        ("^0.2.0", "0.3.0", False),
        ("^1.5.0", "1.4.0", False), ("~1.2.0", "1.2.9", True), ("~1.2.0", "1.3.0", False), (">=1.0.0", "3.0.0", True),
        (">= 4.0.0", "3.0.0", False), ("1.x.x", "1.9.0", True), ("1.x", "2.0.0", False), ("*", "0.1.0", True), ("1", "1.2.3", True),
        (">1.0.0 <2.0.0", "1.2.3", False), ("", "1.2.3", False),
    ],
)  # fmt: skip
def test_versions_that_are_asked_for(wanted: str, version: str, fits: bool, tmp_path: Path) -> None:
    said = ["charts/common"] if fits else ["chart common of @own is not in the repository"]
    assert charts(tmp_path, "@own", wanted, version) == said


def test_a_chart_of_another_repository_or_name_is_not(tmp_path: Path) -> None:
    elsewhere = "https://charts.example.com"
    assert charts(tmp_path, elsewhere, "1.2.3") == [f"chart common of {elsewhere} is not in the repository"]
    assert charts(tmp_path, "@own", "1.2.3", name="other") == ["chart common of @own is not in the repository"]
