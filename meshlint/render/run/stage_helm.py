"""A chart, its subcharts and its values, copied for one run of helm template."""

from __future__ import annotations

import json
import re
from typing import Any

from meshlint.model.node import Node, scalar_text
from meshlint.render.recipe import Parameter, Recipe, Values
from meshlint.render.run.capabilities import KUBE_VERSION, api_versions
from meshlint.render.run.charts import Chart, chart_at
from meshlint.render.run.plain import plain
from meshlint.render.run.stage import Files, Refusal, Stage
from meshlint.render.target_path import typed
from meshlint.render.tree import joined

CHART = "chart"  # folder of the copy
NAMESPACE = "meshlint-namespace-unknown"  # stands for the namespace of a release where nothing says it
_LEFT_OUT = ("values.schema.json", "Chart.yaml", "Chart.yml", "Chart.lock", "requirements.yaml", "requirements.lock")
_RANDOM = re.compile(rb"\b(?:rand\w+|gen(?:CA|SelfSigned|Signed|Private)\w*|uuidv4|htpasswd|bcrypt|shuffle|encryptAES)\b")
_NOW = re.compile(rb"(?<![\w.$\"-])now(?![\w\"-])")
_ACTION = re.compile(rb"\{\{.*?\}\}", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_OPEN = "$(UNKNOWN)"  # read/placeholders.py
_DAY = b'(toDate "2006-01-02" "2020-01-01")'


class HelmStage:
    """`arguments` for helm, `{}` standing for the folder of the copies; `twice`: the output may differ from run to run."""

    def __init__(self, files: Files, stage: Stage, recipe: Recipe) -> None:
        folder = files.real(recipe.folder)
        chart = chart_at(files, folder) if folder is not None else None
        if chart is None:
            raise Refusal(f"{recipe.folder or '.'} holds no chart")
        if chart.data.get("type") == "library":
            raise Refusal("a library chart has no objects of its own")
        self.files = files
        self.stage = stage
        self.chart = chart
        self.recipe = recipe
        self.twice = False
        self.missing: list[str] = []
        self._copy(chart, CHART)
        self.arguments = tuple(self._arguments())

    def _copy(self, chart: Chart, target: str) -> None:
        self.stage.put(f"{target}/Chart.yaml", _json(chart.data), chart.file)
        own = joined(chart.folder, "charts")
        for path in self.files.below(chart.folder, 20_000, (".git",)):
            inside = path[len(chart.folder) :].lstrip("/")
            if inside in _LEFT_OUT or (path.startswith(own + "/") and not (inside.count("/") == 1 and inside.endswith(".tgz"))):
                continue
            content = self.files.content(path)
            if content is not None:
                self.stage.put(f"{target}/{inside}", self._fixed(inside, content), self.files.real(path))
        for number, lower in enumerate(chart.below):
            self._copy(lower, f"{target}/charts/{number}")

    def _fixed(self, path: str, content: bytes) -> bytes:
        """A template that asks no clock; and whether it asks for chance."""
        if not path.startswith("templates/"):
            return content
        self.twice = self.twice or _RANDOM.search(content) is not None
        return _ACTION.sub(lambda action: _NOW.sub(_DAY, action[0]), content) if b"now" in content else content

    def _arguments(self) -> list[str]:
        recipe = self.recipe
        out = [self.release, f"{{}}/{CHART}", "--namespace", recipe.namespace or NAMESPACE, "--skip-tests", "--kube-version", KUBE_VERSION]
        out += ["--include-crds"] if recipe.include_crds else []
        for version in api_versions():
            out += ["--api-versions", version]
        for number, values in enumerate(recipe.values):
            out += self._values(values, f"values-{number}.yaml")
        for number, parameter in enumerate(recipe.parameters):
            out += self._parameter(parameter, f"parameter-{number}")
        return out

    @property
    def release(self) -> str:
        """What Helm accepts as a name of a release."""
        name = re.sub(r"[^a-z0-9]+", "-", (self.recipe.release or self.chart.called).lower())
        return name[:53].strip("-") or "release"

    def _values(self, values: Values, name: str) -> list[str]:
        content = self._content(values)
        if content is None:
            self.missing.append(f"{values.file} does not exist" if values.file else "values that cannot be read")
            return []
        self.stage.put(name, content, values.file)
        return ["--values", f"{{}}/{name}"]

    def _content(self, values: Values) -> bytes | None:
        if values.file is not None and not values.under:
            return self.files.content(values.file)
        data = self._settled(self._data(values))
        if isinstance(data, bytes):
            return data
        if values.under and isinstance(data, str):
            data = typed(data)
        for step in reversed(values.under):
            data = {step: data}
        return _json(data) if isinstance(data, dict) else None

    def _data(self, values: Values) -> Any:
        node = values.node
        if node is None:
            content = self.files.content(values.file or "")
            return content.decode("utf-8", "replace") if content is not None else None
        if values.under or node.is_map:
            return plain(node)
        return (node.text or "").encode("utf-8", "replace")

    def _settled(self, data: Any) -> Any:
        """Expressions that only a cluster fills in as something that is no syntax of YAML, and of which nothing is concluded."""
        if not self.recipe.unsure:
            return data
        if isinstance(data, dict):
            return {key: self._settled(value) for key, value in data.items()}
        if isinstance(data, list):
            return [self._settled(value) for value in data]
        if isinstance(data, str):
            return _EXPRESSION.sub(_OPEN, data)
        return _EXPRESSION.sub(_OPEN, data.decode("utf-8", "replace")).encode("utf-8", "replace") if isinstance(data, bytes) else data

    def _parameter(self, parameter: Parameter, name: str) -> list[str]:
        if parameter.file is not None:
            content = self.files.content(parameter.file)
            if content is None:
                self.missing.append(f"{parameter.file} does not exist")
                return []
            self.stage.put(name, content, parameter.file)
            return ["--set-file", f"{parameter.name}={{}}/{name}"]
        value = re.sub(r"(?<!\\),", r"\\,", scalar_text(self._settled(_scalar(parameter.value))))
        return ["--set-string" if parameter.as_string else "--set", f"{parameter.name}={value}".replace("{}", "{ }")]


def _scalar(node: Node) -> Any:
    value = plain(node)
    return value if isinstance(value, (str, int, float, bool)) else None


def _json(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")

