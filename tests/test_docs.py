"""What README and docs say is so: files and options they name exist, outputs and tables they show are what meshlint gives.

Blocks between `<!-- begin: NAME ... -->` and `<!-- end: NAME -->` are made here; `pytest tests/test_docs.py --write` renews them.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshlint.arguments import FORMATS, parser
from meshlint.check.registry import bundled
from meshlint.config import LEVELS, load
from meshlint.edit.changes import Changes
from meshlint.facts import table
from meshlint.model.installed import Installed
from meshlint.model.mesh import Mesh
from tests.door import call

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "rules.md")]
IDS = [str(path.relative_to(ROOT)) for path in PAGES]
TOP = {path.name for path in ROOT.iterdir() if path.is_dir()}
OTHERS = ("gh ", "pytest", "pip", "mypy", "ruff", "kubectl", "pre-commit ", "docker ")  # whose options are not ours
OWN_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
BLOCK = re.compile(r"<!-- begin: (\S+)(.*?) -->\n(.*?)<!-- end: \1 -->", re.DOTALL)


def fences(page: Path, language: str = r"\w*") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def code(page: Path) -> Iterator[str]:
    """Pieces of inline code, then the lines of fenced blocks."""
    text = page.read_text("utf-8")
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    for block in fences(page):
        yield from block.splitlines()


def options() -> set[str]:
    top = parser()
    subs = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    parsers = [top, *(below for action in subs for below in action.choices.values())]
    return {option for one in parsers for action in one._actions if action.help != argparse.SUPPRESS for option in action.option_strings}


# what the pages name


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_that_are_named_exist(page: Path) -> None:
    inline = re.findall(r"`([^`\s]+)`", re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE))
    ours = [word for word in inline if word.split("/")[0] in TOP and "/" in word]
    missing = [word for word in ours if not any(ROOT.glob(re.sub(r"<[^>]*>", "*", word.rstrip("/"))))]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_options_that_are_named_exist(page: Path) -> None:
    named = {option for line in code(page) if not any(word in line for word in OTHERS) for option in OWN_OPTION.findall(line)}
    assert named - options() - {"--write"} == set()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_rules_that_are_named_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    named = {*re.findall(r"\bML\d{3}\b", text), *re.findall(r"\]\((?:docs/)?rules/([a-z0-9-]+)\.md\)", text)}
    assert list(bundled().unknown(sorted(named))) == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_configurations_are_accepted(page: Path, tmp_path: Path) -> None:
    for block in fences(page, "toml"):
        (tmp_path / "meshlint.toml").write_text(block, "utf-8")
        config = load(str(tmp_path / "meshlint.toml"))
        assert list(bundled().unknown([*(config.select or ()), *config.ignore, *config.severity])) == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_yaml_is_yaml(page: Path) -> None:
    assert all(list(yaml.safe_load_all(block)) for block in fences(page, "ya?ml"))


# what the pages show


def example_output(rules: str) -> str:
    """The first finding of each of these rules in the bundled example, in the order of the output, and the summary."""
    run = call("examples/bookshop", "--exit-zero", "--color", "never", cwd=ROOT)
    *findings, summary = run.out.rstrip("\n").split("\n\n")
    first = {rule: next(at for at, found in enumerate(findings) if f" {rule} " in found.splitlines()[0]) for rule in rules.split()}
    shown = [findings[at] for at in sorted(first.values())]
    return "```text\n" + "\n\n".join([*shown, "...", summary]) + "\n```\n"


def mesh_questions(_: str) -> str:
    rows = ["| question | answer |", "|---|---|"]
    for name, member in {**vars(Mesh), **vars(Installed)}.items():
        function = member.fget if isinstance(member, property) else member
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        arguments = "" if isinstance(member, property) else f"({', '.join(list(inspect.signature(function).parameters)[1:])})"
        said = inspect.getdoc(function)
        returned = function.__annotations__["return"].replace("|", "\\|")
        rows.append(f"| `{name}{arguments}` | `{returned}`{'. ' + ' '.join(said.split()) if said else ''} |")
    return "\n".join(rows) + "\n"


def fix_operations(_: str) -> str:
    rows = ["| operation | what it does |", "|---|---|"]
    for name, member in vars(Changes).items():
        if not name.startswith("_") and inspect.isfunction(member):
            parameters = list(inspect.signature(member).parameters.values())[1:]
            given = ", ".join(f"{one.name}={one.default!r}" if one.default is not one.empty else one.name for one in parameters)
            rows.append(f"| `{name}({given})` | {' '.join((inspect.getdoc(member) or '').split())} |")
    return "\n".join(rows) + "\n"


def gives_way(_: str) -> str:
    rows = ["| rule | gives way on the same place to | and in the same object to |", "|---|---|---|"]
    known = {entry.name for entry in bundled().entries}
    for rule in bundled().rules():
        here, there = ([name for name in names if name in known] for names in (rule.yields_to, rule.yields_in_object))
        if here or there:
            rows.append(f"| {rule.name} | {', '.join(here)} | {', '.join(there)} |")
    return "\n".join(rows) + "\n"


def levels(_: str) -> str:
    rows = ["| level | is reported | fails the run |", "|---|---|---|"]
    for name, values in LEVELS.items():
        said = [f"impact {' or '.join(values['impact'])}"] if "impact" in values else []
        said += [f"confidence {values['min_confidence']} or more"] if "min_confidence" in values else []
        rows.append(f"| `{name}` | {', '.join(said) or 'every finding'} | {values['fail_on']} or more |")
    return "\n".join(rows) + "\n"


def config_keys(_: str) -> str:
    """The keys of schemas/meshlint/config.v1.json, those of tables behind a dot."""
    schema = table("meshlint/config.v1")
    rows = ["| key | values | default | meaning |", "|---|---|---|---|"]
    for key, entry in schema["properties"].items():
        rows.append(_key_row(key, entry, schema["$defs"]))
        for below, part in _parts_of(entry).items():
            rows.append(_key_row(f"{key}.{below}", part, schema["$defs"]))
    return "\n".join(rows) + "\n"


def _parts_of(entry: dict[str, Any]) -> dict[str, Any]:
    forms = [entry, entry.get("items", {}), *entry.get("oneOf", ())]
    return next((dict(form["properties"]) for form in forms if "properties" in form), {})


def _key_row(key: str, entry: dict[str, Any], definitions: dict[str, Any]) -> str:
    default = f"`{json.dumps(entry['default'])}`" if "default" in entry else ""
    return f"| `{key}` | {_values(entry, definitions)} | {default} | {entry['description'].replace('|', chr(92) + '|')} |"


def _values(entry: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in entry:
        return _values(definitions[entry["$ref"].rpartition("/")[2]], definitions)
    if "oneOf" in entry:
        return " or ".join(_values(one, definitions) for one in entry["oneOf"])
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if "pattern" in entry:
        return "format, or FORMAT=FILE"
    kinds = {"string": "text", "boolean": "`true`, `false`", "integer": "number"}
    if entry["type"] == "array":
        return "list of tables" if "properties" in entry["items"] else f"list of {_values(entry['items'], definitions)}"
    if entry["type"] == "object":
        more = entry.get("additionalProperties")
        return f"table: rule to {_values(more, definitions)}" if isinstance(more, dict) else "table"
    return kinds[entry["type"]]


def source_of(path: str) -> str:
    file = ROOT / path.strip()
    language = {".py": "python", ".yaml": "yaml"}.get(file.suffix, "text")
    return f"```{language}\n{file.read_text('utf-8')}```\n"


MAKERS: dict[str, Callable[[str], str]] = {
    "example-output": example_output,
    "mesh-questions": mesh_questions,
    "fix-operations": fix_operations,
    "gives-way": gives_way,
    "source": source_of,
    "levels": levels,
    "config-keys": config_keys,
}
BLOCKS = [(page, match[1], match[2]) for page in PAGES for match in BLOCK.finditer(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "name", "argument"), BLOCKS, ids=[f"{page.name}-{name}" for page, name, _ in BLOCKS])
def test_made_blocks_are_current(page: Path, name: str, argument: str, write: bool) -> None:
    made = MAKERS[name](argument)
    start, end = f"<!-- begin: {name}{argument} -->\n", f"<!-- end: {name} -->"
    text = page.read_text("utf-8")
    before, _, rest = text.partition(start)
    shown, _, after = rest.partition(end)
    if write and shown != made:
        page.write_text(before + start + made + end + after, "utf-8")
        shown = made
    assert shown == made, "run: pytest tests/test_docs.py --write"


def test_every_block_is_used() -> None:
    assert {name for _, name, _ in BLOCKS} == set(MAKERS)


def test_readme_shows_every_format() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert tuple(rows) == FORMATS


# commands


def set_up() -> list[str]:
    return [block.strip() for block in fences(ROOT / "README.md", "sh") if "venv" in block]


def test_two_commands_set_it_up() -> None:
    first, second = set_up()
    assert "meshlint examples/bookshop" in first
    assert "pytest" in second
    assert "\n" not in first + second


def test_ci_ends_with_the_command_of_the_readme() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert script.read_text("utf-8").rstrip().splitlines()[-1] == set_up()[1]
    assert set_up()[1] in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_the_workflow_runs_the_script_with_least_permissions() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert ".ci/run" in [step.get("run") for step in steps]
    assert all(re.search(r"@(v\d+|[0-9a-f]{40})$", step["uses"]) for step in steps if step.get("uses", "./") != "./")
    versions = workflow["jobs"]["checks"]["strategy"]["matrix"]["python"]
    assert f'requires-python = ">={versions[0]}"' in (ROOT / "pyproject.toml").read_text("utf-8")
