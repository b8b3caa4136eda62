"""Findings that somebody decided to live with: comments, annotations, configuration; what is unused; --add-ignores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from meshlint.check.registry import Registry, bundled
from meshlint.config import Config
from meshlint.engine import run
from meshlint.project import project
from tests.door import Run, call, lint
from tests.manifests import ERROR, MESH, NOTE, ROUTE, RULE, SERVICE, WARNING, write

UNUSED = "unused-suppression"
SUBSET = "subset: v9}"


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    return write(tmp_path, MESH)


def names(run: Run) -> set[str]:
    return {finding["name"] for finding in run.findings}


def route(folder: Path, old: str, new: str) -> Path:
    assert old in ROUTE
    (folder / "route.yaml").write_text(ROUTE.replace(old, new), encoding="utf-8", newline="")
    return folder


def suppressed(run: Run) -> int:
    return int(run.report["summary"]["suppressed"])


def told(run: Run) -> list[str]:
    return [finding["message"] for finding in run.findings if finding["name"] == UNUSED]


@pytest.mark.parametrize("word", [ERROR, "ML145", "ml145", "traffic", "ML1", "all", f"vs-retries, {ERROR}", f"vs-retries {ERROR}"])
def test_a_comment_on_the_line_takes_what_its_words_mean(mesh: Path, word: str) -> None:
    run = lint(route(mesh, SUBSET, f"{SUBSET} # meshlint: ignore[{word}] it is declared elsewhere"))
    assert ERROR not in names(run)
    assert suppressed(run) == 1


def test_a_comment_for_another_rule_takes_nothing(mesh: Path) -> None:
    run = lint(route(mesh, SUBSET, f"{SUBSET} # meshlint: ignore[{WARNING}] not here"))
    assert names(run) >= {ERROR, WARNING, UNUSED}
    assert suppressed(run) == 0


def test_a_comment_on_the_line_above_with_others_between(mesh: Path) -> None:
    above = f"# meshlint: ignore[{ERROR}] it is declared elsewhere\n    # and this says more\n"
    run = lint(route(mesh, "    - destination", f"    {above}    - destination"))
    assert ERROR not in names(run) and UNUSED not in names(run)


def test_an_empty_line_ends_what_a_comment_speaks_of(mesh: Path) -> None:
    run = lint(route(mesh, "    - destination", f"    # meshlint: ignore[{ERROR}] too far\n\n    - destination"))
    assert names(run) >= {ERROR, UNUSED}


def test_the_line_above_is_not_that_of_a_comment_behind_a_value(mesh: Path) -> None:
    run = lint(route(mesh, "  - route:", f"  - route: # meshlint: ignore[{ERROR}] a line too high"))
    assert names(run) >= {ERROR, UNUSED}


@pytest.mark.parametrize("at", ["apiVersion", "spec:", "  http"])
def test_ignore_file_counts_wherever_it_stands(mesh: Path, at: str) -> None:
    run = lint(route(mesh, at, f"# meshlint: ignore-file[{ERROR}, {WARNING}] an example\n{at}"))
    assert not names(run) & {ERROR, WARNING, UNUSED}
    assert NOTE in names(run)  # in another file
    assert suppressed(run) == 2


@pytest.mark.parametrize("verb", ["ignore", "ignore-file"])
def test_without_a_list_it_takes_nothing_and_says_how_to_write_it(mesh: Path, verb: str) -> None:
    run = lint(route(mesh, SUBSET, f"{SUBSET} # meshlint: {verb}"))
    assert ERROR in names(run)
    assert f"write {verb}[RULES] (or {verb}[all] for every rule)" in told(run)[0]


@pytest.mark.parametrize("verb", ["ignored", "disable", "ignore-next-line"])
def test_a_verb_misspelt_is_told(mesh: Path, verb: str) -> None:
    assert f"'{verb}' is not understood" in told(lint(route(mesh, SUBSET, f"{SUBSET} # meshlint: {verb}[{ERROR}]")))[0]


def test_other_comments_that_name_meshlint_are_none(mesh: Path) -> None:
    assert told(lint(route(mesh, SUBSET, f"{SUBSET} # meshlint: see the guide"))) == []


@pytest.mark.parametrize("where", ["annotation", "value"])
def test_what_looks_like_a_comment_in_a_string_is_none(mesh: Path, where: str) -> None:
    text = f'"v9 # meshlint: ignore[{ERROR}] x"'
    old, new = ("subset: v9", f"subset: {text}") if where == "value" else ("shop}", f"shop, annotations: {{a: {text}}}}}")
    run = lint(route(mesh, old, new))
    assert ERROR in names(run) and told(run) == []


def test_block_scalars_hold_no_comments(mesh: Path) -> None:
    text = f"kind: ConfigMap\napiVersion: v1\nmetadata: {{name: a}}\ndata:\n  x: |\n    # meshlint: ignore-file[{ERROR}] no\n    y: 1\n"
    run = lint(write(mesh, {"route.yaml": f"{ROUTE}---\n{text}"}))
    assert ERROR in names(run) and told(run) == []


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends_and_a_byte_order_mark(mesh: Path, end: str) -> None:
    text = ROUTE.replace(SUBSET, f"{SUBSET} # meshlint: ignore[{ERROR}] elsewhere")
    (mesh / "route.yaml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", end).encode())
    run = lint(mesh)
    assert ERROR not in names(run) and suppressed(run) >= 1


def test_old_names_work_everywhere(mesh: Path) -> None:
    entries = [entry._replace(aliases=("subset-missing",)) if entry.name == ERROR else entry for entry in bundled().entries]
    registry = Registry(entries)

    def left(**settings: Any) -> set[str]:
        result = run(project([str(mesh)]), Config(**settings), registry)
        assert not [finding.message for finding in result.findings if finding.name == UNUSED]
        return {finding.name for finding in result.findings}

    assert ERROR in left()
    assert ERROR not in left(ignore=("subset-missing",))
    route(mesh, SUBSET, f"{SUBSET} # meshlint: ignore[subset-missing] renamed since")
    assert ERROR not in left()
    route(mesh, "namespace: shop}", "namespace: shop, annotations: {meshlint.dev/ignore: subset-missing}}")
    assert ERROR not in left()


def test_an_annotation_takes_the_findings_of_its_object(mesh: Path) -> None:
    noted = "namespace: shop, annotations: {meshlint.dev/ignore: 'subset-undefined,ML1: moves next'}}"
    run = lint(route(mesh, "namespace: shop}", noted))
    assert not names(run) & {ERROR, WARNING} and NOTE in names(run) and told(run) == []


def test_an_annotation_takes_nothing_of_other_objects(mesh: Path) -> None:
    (mesh / "rule.yaml").write_text(RULE.replace("namespace: shop}", f"namespace: shop, annotations: {{meshlint.dev/ignore: {ERROR}}}}}"))
    run = lint(mesh)
    assert ERROR in names(run)
    assert told(run) == [f"This annotation suppresses nothing: it covers no finding of {ERROR}"]


def test_several_lines_of_an_annotation_have_their_own_reasons(mesh: Path) -> None:
    note = f"namespace: shop\n  annotations:\n    meshlint.dev/ignore: |\n      {ERROR}: declared elsewhere\n      {WARNING}: moves next\n"
    text = ROUTE.replace("metadata: {name: reviews, namespace: shop}\n", f"metadata:\n  name: reviews\n  {note}")
    (mesh / "route.yaml").write_text(text)
    results = json.loads(call("-o", "sarif", cwd=mesh).out)["runs"][0]["results"]
    reasons = {one["ruleId"]: one["suppressions"][0]["justification"] for one in results if one["suppressions"]}
    assert reasons == {"ML145": "declared elsewhere", "ML105": "moves next"}


def test_json_has_annotations_and_no_comments(tmp_path: Path) -> None:
    import yaml

    files = {name.replace(".yaml", ".json"): json.dumps(yaml.safe_load(text), indent=1) for name, text in MESH.items()}
    write(tmp_path, files)
    assert names(lint(tmp_path)) >= {ERROR, WARNING, NOTE}
    document = json.loads(files["route.json"])
    document["metadata"]["annotations"] = {"meshlint.dev/ignore": f"{ERROR}: declared elsewhere"}
    (tmp_path / "route.json").write_text(json.dumps(document, indent=1) + f"\n# meshlint: ignore-file[{WARNING}] no comment in JSON\n")
    run = lint(tmp_path)
    assert ERROR not in names(run) and WARNING in names(run)


def test_an_annotation_counts_in_environments_that_share_its_object(tmp_path: Path) -> None:
    noted = ROUTE.replace("namespace: shop}", f"namespace: shop, annotations: {{meshlint.dev/ignore: '{ERROR},{WARNING}: next'}}}}")
    copies = {f"{at}/x.yaml": SERVICE.replace("name: reviews", "name: copy") for at in ("prod", "staging")}
    run = lint(write(tmp_path, {**MESH, **copies, "route.yaml": noted}))
    assert len(run.report["coverage"]["environments"]) > 1
    assert not names(run) & {ERROR, WARNING, UNUSED}


KUSTOMIZED = {
    "base/kustomization.yaml": "resources: [service.yaml, rule.yaml, route.yaml]\n",
    **{f"base/{name}": text for name, text in MESH.items()},
    "overlays/a/kustomization.yaml": "resources: [../../base]\n",
    "overlays/b/kustomization.yaml": "resources: [../../base]\n",
}


def test_the_comment_at_the_source_counts_in_every_overlay(tmp_path: Path) -> None:
    write(tmp_path, KUSTOMIZED)
    environments = {name for finding in lint(tmp_path).findings if finding["name"] == ERROR for name in finding["environments"]}
    assert len(environments) >= 2
    text = ROUTE.replace(SUBSET, f"{SUBSET} # meshlint: ignore[{ERROR}] elsewhere")
    run = lint(write(tmp_path, {"base/route.yaml": text}))
    assert ERROR not in names(run) and told(run) == [] and suppressed(run) == 1


def test_the_comment_at_the_patch_counts_for_what_the_patch_says(tmp_path: Path) -> None:
    patch = ROUTE.replace(SUBSET, f"subset: v8}} # meshlint: ignore[{ERROR}] there only")
    write(tmp_path, {
        **KUSTOMIZED,
        "base/route.yaml": ROUTE.replace("subset: v9", "subset: v1"),
        "overlays/b/kustomization.yaml": "resources: [../../base]\npatches: [{path: patch.yaml}]\n",
        "overlays/b/patch.yaml": patch,
    })  # fmt: skip
    run = lint(tmp_path)
    assert [f for f in run.findings if f["name"] == ERROR and f["file"].endswith("patch.yaml")] == []


def test_an_annotation_that_one_overlay_sets_counts_there_only(tmp_path: Path) -> None:
    note = f"commonAnnotations: {{meshlint.dev/ignore: '{ERROR},{WARNING},{NOTE}: a sandbox'}}\n"
    write(tmp_path, {**KUSTOMIZED, "overlays/a/kustomization.yaml": f"resources: [../../base]\n{note}"})
    assert ERROR in names(lint(tmp_path))  # the other overlay has it too
    only = lint(tmp_path, "--environment", "overlays/a")
    assert ERROR not in names(only) and suppressed(only) >= 1


def configured(folder: Path, *lines: str) -> Run:
    (folder / "meshlint.toml").write_text("\n".join(("[[suppress]]", *lines)) + "\n")
    return lint(folder)


@pytest.mark.parametrize(
    "where",
    [
        "", 'paths = ["route.yaml"]', 'paths = ["*.yaml", "!rule.yaml"]', 'resources = ["VirtualService shop/reviews"]',
        'resources = ["shop/*"]', 'resources = ["reviews"]', 'resources = ["Virtual* */rev?ews"]',
    ],
)  # fmt: skip
def test_the_configuration_suppresses_by_rule_path_and_object(mesh: Path, where: str) -> None:
    run = configured(mesh, f'rules = ["{ERROR}"]', where, 'reason = "declared elsewhere"')
    assert ERROR not in names(run) and told(run) == [] and suppressed(run) == 1


@pytest.mark.parametrize("where", ['paths = ["rule.yaml"]', 'resources = ["DestinationRule shop/*"]', 'resources = ["other/reviews"]'])
def test_an_entry_that_covers_nothing_is_told_with_its_line(mesh: Path, where: str) -> None:
    run = configured(mesh, f'rules = ["{ERROR}"]', where)
    assert ERROR in names(run)
    assert [(f["file"], f["line"], f["message"]) for f in run.findings if f["name"] == UNUSED] == [
        ("meshlint.toml", 1, f"This entry suppresses nothing: it covers no finding of {ERROR}")
    ]


def test_an_entry_is_not_unused_where_only_a_part_was_read(mesh: Path) -> None:
    configured(mesh, f'rules = ["{ERROR}"]', 'paths = ["sub/"]')
    write(mesh, {"sub/service.yaml": SERVICE.replace("reviews", "other")})
    assert told(call("sub", "-o", "json", cwd=mesh)) == []
    assert told(call("service.yaml", "-o", "json", cwd=mesh)) == []
    assert told(lint(mesh)) != []


def test_paths_of_an_extended_configuration_start_in_its_folder(mesh: Path) -> None:
    write(mesh, {"shared/mesh.toml": f'[[suppress]]\nrules = ["{ERROR}"]\npaths = ["/../route.yaml"]\n[[suppress]]\nrules = ["{NOTE}"]\n'})
    (mesh / "meshlint.toml").write_text('extend = "shared/mesh.toml"\n')
    run = lint(mesh)
    assert NOTE not in names(run)


@pytest.mark.parametrize("how", ["configuration", "option"])
def test_a_reason_can_be_required(mesh: Path, how: str) -> None:
    (mesh / "meshlint.toml").write_text("require-reason = true\n" if how == "configuration" else "")
    options = ["--require-reason"] if how == "option" else []
    run = lint(route(mesh, SUBSET, f"{SUBSET} # meshlint: ignore[{ERROR}]"), *options)
    assert ERROR in names(run) and "gives no reason" in told(run)[0]
    run = lint(route(mesh, SUBSET, f"{SUBSET} # meshlint: ignore[{ERROR}] elsewhere"), *options)
    assert ERROR not in names(run) and told(run) == []


# what nothing comes of


def test_it_is_unused_only_if_its_rules_were_run(mesh: Path) -> None:
    route(mesh, "kind:", "# meshlint: ignore[vs-retries, gateway] nothing here\nkind:")
    assert len(told(lint(mesh))) == 1
    assert told(lint(mesh, "--ignore", "vs-retries,gateway")) == []
    assert told(lint(mesh, "--ignore", UNUSED)) == []
    assert told(lint(mesh, "--select", ERROR)) == []
    part = "A part of this comment suppresses nothing: it covers no finding of vs-retries"
    assert told(lint(mesh, "--select", f"vs-retries,{UNUSED}")) == [part]


def test_a_rule_that_is_not_known_is_told_with_the_nearest(mesh: Path) -> None:
    run = lint(route(mesh, SUBSET, f"{SUBSET} # meshlint: ignore[subset-undefind] x"))
    assert told(run) == ["This comment suppresses nothing: no rule is called 'subset-undefind' (did you mean subset-undefined?)"]
    assert [f["fix"] for f in run.findings if f["name"] == UNUSED] == [None]


def test_the_finding_can_be_suppressed_itself(mesh: Path) -> None:
    (mesh / "route.yaml").write_text(f"# meshlint: ignore-file[{UNUSED}] generated\n{ROUTE}# meshlint: ignore[vs-retries] x\n")
    assert told(lint(mesh)) == []
    (mesh / "route.yaml").write_text(f"# meshlint: ignore-file[{UNUSED}] generated\n{ROUTE}")
    assert told(lint(mesh)) == [f"This comment suppresses nothing: it covers no finding of {UNUSED}"]


def applied(text: str, fix: dict[str, Any]) -> str:
    lines = text.splitlines(keepends=True)
    (edit,) = fix["edits"]
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    start, end = (starts[edit[f"{at}line"] - 1] + edit[f"{at}column"] - 1 for at in ("", "end_"))
    return text[:start] + edit["text"] + text[end:]


@pytest.mark.parametrize(
    ("written", "left"),
    [
        (f"{SUBSET} # meshlint: ignore[vs-retries] x", SUBSET),
        (f"{SUBSET}   # why # meshlint: ignore[vs-retries] x", f"{SUBSET}   # why"),
        (f"{SUBSET} # meshlint: ignore[vs-retries] x # why", f"{SUBSET} # why"),
        (f"{SUBSET} # meshlint: ignore[{ERROR}, vs-retries] x", f"{SUBSET} # meshlint: ignore[{ERROR}] x"),
        (f"{SUBSET}\n    # meshlint: ignore[vs-retries] x", SUBSET),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_fix_takes_the_comment_or_the_word_out(mesh: Path, written: str, left: str, end: str) -> None:
    route(mesh, SUBSET, written)
    text = (mesh / "route.yaml").read_text().replace("\n", end)
    (mesh / "route.yaml").write_bytes(text.encode())
    (finding,) = [f for f in lint(mesh).findings if f["name"] == UNUSED]
    assert finding["fix"]["safe"] is True
    assert applied(text, finding["fix"]) == ROUTE.replace(SUBSET, left).replace("\n", end)


def test_nothing_is_told_of_what_could_not_be_read(tmp_path: Path) -> None:
    write(tmp_path, {"templates/x.yaml": "# meshlint: ignore[vs-retries] x\n{{ if .Values.a }}\na: [\n{{ end }}\n", "s.yaml": SERVICE})
    assert told(lint(tmp_path)) == []


# formats and counts


def test_counts_and_exit_code(mesh: Path) -> None:
    assert lint(mesh).code == 1
    route(mesh, "apiVersion", "# meshlint: ignore-file[all] an example\napiVersion")
    run = lint(mesh)
    assert (run.code, suppressed(run)) == (0, 2)
    assert "2 suppressed" in call(cwd=mesh).out
    assert call("-o", "concise", "-q", "--ignore", NOTE, cwd=mesh).out == ""


def test_what_is_below_the_asked_severity_is_not_counted(mesh: Path) -> None:
    (mesh / "rule.yaml").write_text(f"# meshlint: ignore-file[{NOTE}] x\n{RULE}")
    assert suppressed(lint(mesh)) == 1
    assert suppressed(lint(mesh, "--min-severity", "warning")) == 0


def test_sarif_holds_them_with_their_reasons(mesh: Path) -> None:
    route(mesh, SUBSET, f"{SUBSET} # meshlint: ignore[{ERROR}] elsewhere")
    (mesh / "meshlint.toml").write_text(f'[[suppress]]\nrules = ["{WARNING}"]\n')
    log = json.loads(call("-o", "sarif", cwd=mesh).out)
    results = {one["ruleId"]: one["suppressions"] for one in log["runs"][0]["results"]}
    assert results == {
        "ML145": [{"kind": "inSource", "justification": "elsewhere"}],
        "ML105": [{"kind": "external"}],
        "ML146": [],
    }
    (mesh / "meshlint.toml").unlink()
    route(mesh, SUBSET, SUBSET)
    assert "suppressions" not in call("-o", "sarif", cwd=mesh).out


def test_a_rule_that_failed_is_told_whatever_is_suppressed(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[object]:
        raise ValueError("boom")

    monkeypatch.setattr(bundled().named(ERROR), "check", broken)
    run = lint(route(mesh, "apiVersion", "# meshlint: ignore-file[all, rule-failed] x\napiVersion"))
    assert run.code == 2 and "rule-failed" in names(run) and told(run) == []


def test_nothing_heavy_is_imported_for_comments(mesh: Path) -> None:
    route(mesh, SUBSET, f"{SUBSET} # meshlint: ignore[{ERROR}] x")
    code = "import sys; from meshlint.__main__ import main; main(['-q']); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=mesh, capture_output=True, text=True, check=True)
    assert not {"tempfile", "pathspec", "tomllib"} & set(done.stdout.split())
