"""What a path on the command line means: what is read, what is judged together, what is reported, how it is named."""

import os
from pathlib import Path

import pytest

from meshlint.project import rebased
from tests.door import call, lint
from tests.manifests import ERROR, MESH, NOTE, ROUTE, RULE, SERVICE, WARNING, repository, write

UNUSED_RULE = RULE.replace("v1", "v7").replace("name: reviews,", "name: other,")


def found(*arguments: str, cwd: Path) -> set[tuple[str, str]]:
    return {(finding["name"], finding["file"]) for finding in call("-o", "json", *arguments, cwd=cwd).findings}


def files(*arguments: str, cwd: Path) -> list[str]:
    return call("--show-files", *arguments, cwd=cwd).out.splitlines()


def relations(*arguments: str, cwd: Path) -> set[str]:
    """The files that explain the undefined subset of the route."""
    findings = call("-o", "json", "--select", ERROR, *arguments, cwd=cwd).findings
    assert [finding["file"] for finding in findings] == ["route/route.yaml"]
    return {place["file"] for place in findings[0]["related"]}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository whose route is in one folder and whose rule, without the route's subset, is in another one."""
    return repository(tmp_path / "repo", {f"{name.partition('.')[0]}/{name}": text for name, text in MESH.items()})


def test_a_folder_is_its_own_project(repo: Path) -> None:
    assert (ERROR, "route/route.yaml") in found(cwd=repo)
    assert files("route", cwd=repo) == ["route/route.yaml"]
    assert call("route", "-o", "json", cwd=repo).report["coverage"]["found"] == 1
    assert {file for _, file in found("rule", cwd=repo)} <= {"rule/rule.yaml"}


def test_several_folders_are_judged_together(repo: Path) -> None:
    both = found("route", "rule", cwd=repo)
    assert {(ERROR, "route/route.yaml"), (NOTE, "rule/rule.yaml")} <= both
    assert files("route", "rule", "route", cwd=repo) == ["route/route.yaml", "rule/rule.yaml"]


def test_a_file_is_judged_in_its_project_and_reported_alone(repo: Path) -> None:
    alone = found("route/route.yaml", cwd=repo)
    assert (ERROR, "route/route.yaml") in alone
    assert {file for _, file in alone} == {"route/route.yaml"}


def test_a_finding_elsewhere_that_leads_to_the_file_is_reported(repo: Path) -> None:
    assert {(ERROR, "route/route.yaml"), (NOTE, "rule/rule.yaml")} <= found("rule/rule.yaml", cwd=repo)
    assert (WARNING, "route/route.yaml") not in found("rule/rule.yaml", cwd=repo)


def test_several_files(repo: Path) -> None:
    assert {file for _, file in found("rule/rule.yaml", "route/route.yaml", cwd=repo)} == {"rule/rule.yaml", "route/route.yaml"}


def test_a_configuration_is_a_boundary_too(repo: Path) -> None:
    assert relations("route/route.yaml", cwd=repo) == {"rule/rule.yaml"}
    write(repo, {"route/meshlint.toml": ""})
    assert relations("route/route.yaml", cwd=repo) == set()
    assert relations(cwd=repo) == {"rule/rule.yaml"}


def test_a_file_that_is_its_own_project(tmp_path: Path) -> None:
    write(tmp_path, {**MESH, "all.yaml": "---\n".join(MESH.values())})
    names = [finding["name"] for finding in call("-o", "json", "all.yaml", cwd=tmp_path).findings]
    assert names.count(ERROR) == 1
    report = call("-o", "json", "route.yaml", cwd=tmp_path).report
    assert report["coverage"]["found"] == 1


def test_context_none(repo: Path) -> None:
    run = call("-o", "json", "--context", "none", "route/route.yaml", cwd=repo)
    assert run.report["coverage"]["found"] == 1
    assert relations("--context", "none", "route/route.yaml", cwd=repo) == set()


def test_context_folder(tmp_path: Path) -> None:
    write(tmp_path, {f"apps/{name}": text for name, text in MESH.items()})
    assert (ERROR, "apps/route.yaml") in found("--context", ".", "apps/route.yaml", cwd=tmp_path)
    assert {file for _, file in found("--context", ".", "apps/route.yaml", cwd=tmp_path)} == {"apps/route.yaml"}
    assert (NOTE, "rule.yaml") in found("--context", "..", ".", cwd=tmp_path / "apps")


def test_context_folder_reports_the_given_folder(repo: Path) -> None:
    assert {file for _, file in found("--context", ".", "route", cwd=repo)} == {"route/route.yaml"}
    assert ERROR in {name for name, _ in found("--context", ".", "route", cwd=repo)}


def test_a_context_that_does_not_hold_the_file(repo: Path) -> None:
    run = call("--context", "rule", "route/route.yaml", cwd=repo)
    assert run.code == 2
    assert "route/route.yaml lies outside of it" in run.err


def test_a_configured_context_holds_for_what_lies_in_it(repo: Path) -> None:
    write(repo, {"meshlint.toml": "context = 'route'\n"})
    assert relations("route/route.yaml", cwd=repo) == set()
    assert relations(cwd=repo) == {"rule/rule.yaml"}
    assert (NOTE, "rule/rule.yaml") in found("rule/rule.yaml", cwd=repo)


def test_paths_are_named_from_where_it_runs(repo: Path) -> None:
    assert (ERROR, "route.yaml") in found("route.yaml", cwd=repo / "route")
    assert (ERROR, "../route/route.yaml") in found("../route/route.yaml", cwd=repo / "rule")
    assert (ERROR, "../route/route.yaml") in found("..", cwd=repo / "rule")
    assert (ERROR, "repo/route/route.yaml") in found("repo", cwd=repo.parent)
    assert (ERROR, "route/route.yaml") in found(str(repo), cwd=repo)


def test_related_places_are_named_from_where_it_runs(repo: Path) -> None:
    run = call("-o", "json", "--select", ERROR, "route.yaml", cwd=repo / "route")
    assert [place["file"] for place in run.findings[0]["related"]] == ["../rule/rule.yaml"]
    text = call("--select", ERROR, "route.yaml", cwd=repo / "route").out
    assert "../rule/rule.yaml:" in text and "subset: v9" in text


def test_fingerprints_do_not_depend_on_where_it_runs(repo: Path) -> None:
    def fingerprints(path: str, cwd: Path) -> set[str]:
        return {finding["fingerprint"] for finding in call("-o", "json", path, cwd=cwd).findings}

    write(repo, {"broken.yaml": "a: [\n"})
    assert fingerprints(".", repo) == fingerprints("..", repo / "rule") == fingerprints("repo", repo.parent) != set()


def test_a_file_that_is_named_beats_the_ignore_rules(repo: Path) -> None:
    write(repo, {".gitignore": "route/\nbuild\n", "build/x.yaml": UNUSED_RULE})
    assert "route/route.yaml" not in files(cwd=repo)
    assert (ERROR, "route/route.yaml") in found("route/route.yaml", cwd=repo)
    assert files("build", cwd=repo) == ["build/x.yaml"]


def test_a_file_of_any_ending_can_be_named(repo: Path) -> None:
    (repo / "route/route.yaml").rename(repo / "route/route.txt")
    assert (ERROR, "route/route.txt") in found("route/route.txt", cwd=repo)


def test_exclude(repo: Path) -> None:
    assert files("--exclude", "route", "--exclude", "*rule.yaml", cwd=repo) == ["service/service.yaml"]
    assert (ERROR, "route/route.yaml") in found("--exclude", "route", "route/route.yaml", cwd=repo)


def test_force_exclude(repo: Path) -> None:
    assert found("--exclude", "route", "--force-exclude", "route/route.yaml", cwd=repo) == set()
    alone = call("--context", "none", "--exclude", "route", "--force-exclude", "route/route.yaml", cwd=repo)
    assert alone.code == 0, "a hook that passes an excluded file does not fail"


def test_exclude_is_written_for_the_folder_that_it_comes_from(repo: Path) -> None:
    write(repo, {"route/deep/x.yaml": SERVICE, "deep/x.yaml": SERVICE})
    assert files("--exclude", "deep/x.yaml", "..", cwd=repo / "route") == [
        "../deep/x.yaml", "route.yaml", "../rule/rule.yaml", "../service/service.yaml",
    ]  # fmt: skip
    write(repo, {"meshlint.toml": "exclude = ['/route/deep']\n"})
    assert files("route", cwd=repo) == ["route/route.yaml"]
    assert files(".", cwd=repo / "route") == ["route.yaml"]
    assert "route/deep/x.yaml" in files("--exclude", "deep/x.yaml", cwd=repo)
    assert "deep/x.yaml" not in files("--exclude", "deep/x.yaml", cwd=repo)


@pytest.mark.parametrize(
    ("pattern", "base", "root", "moved"),
    [
        ("a/b", "", "", "/a/b"),
        ("a", "x", "", "a"),
        ("a/", "x", "", "a/"),
        ("/a", "x/y", "", "/x/y/a"),
        ("a/b", "x", "", "/x/a/b"),
        ("!a/b", "x", "", "!/x/a/b"),
        ("./a", "", "", "/a"),
        ("x/y/a", "", "x/y", "/a"),
        ("x/*/a", "", "x/y", "/a"),
        ("**/a", "", "x", "/**/a"),
        ("z/a", "", "x", None),
        ("/x/", "", "x", None),
        ("../z/a", "x", "z", "/a"),
        ("a", "x", "z", "a"),
        ("a/b", "x", "z", None),
    ],
)
def test_rebased(tmp_path: Path, pattern: str, base: str, root: str, moved: str | None) -> None:
    assert rebased([pattern], str(tmp_path / base), str(tmp_path / root)) == (() if moved is None else (moved,))


def test_configured_environments_start_at_the_configuration(repo: Path) -> None:
    write(repo, {"meshlint.toml": "[[environment]]\nname = 'all'\npaths = ['route', 'rule', 'service']\n"})
    for cwd, path in ((repo, "."), (repo.parent, "repo"), (repo / "rule", "..")):
        run = call("-o", "json", path, cwd=cwd)
        assert {name for finding in run.findings for name in finding["environments"]} == {"all"}
    run = call("-o", "json", "--environment", "al", cwd=repo)
    assert run.code == 2 and "did you mean all?" in run.err


def test_a_link_that_leads_out_is_not_followed(repo: Path) -> None:
    write(repo.parent / "private", {"x.yaml": UNUSED_RULE})
    (repo / "link.yaml").symlink_to("../private/x.yaml")
    (repo / "folder").symlink_to("../private")
    run = lint(repo)
    assert not [finding for finding in run.findings if "v7" in finding["message"]]
    assert run.report["coverage"]["found"] == 3
    assert "link.yaml: a link that leads out" in run.err and "folder: a link that leads out" in run.err
    named = call("link.yaml", "folder/x.yaml", "folder", "-o", "json", cwd=repo)
    assert "v7" not in named.out
    assert "lies outside of the root" in named.err


def test_a_link_inside_is_followed_once(repo: Path) -> None:
    (repo / "again.yaml").symlink_to("rule/rule.yaml")
    (repo / "twice").symlink_to("rule")
    assert files(cwd=repo) == ["route/route.yaml", "rule/rule.yaml", "service/service.yaml"]
    assert (NOTE, "rule/rule.yaml") in found("again.yaml", cwd=repo)
    assert (NOTE, "rule/rule.yaml") in found("twice/rule.yaml", cwd=repo)


def test_a_root_that_is_reached_through_a_link(repo: Path) -> None:
    (repo.parent / "link").symlink_to("repo")
    assert {ERROR, NOTE} <= {name for name, _ in found("link", cwd=repo.parent)}
    assert ERROR in {name for name, _ in found("link/route/route.yaml", cwd=repo.parent)}
    assert {file for _, file in found("link/route/route.yaml", cwd=repo.parent)} == {"repo/route/route.yaml"}


KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"


def test_a_kustomization_is_followed_up_to_the_boundary(tmp_path: Path) -> None:
    write(tmp_path, {"secret/x.yaml": UNUSED_RULE, "secret/kustomization.yaml": KUSTOMIZATION + "- x.yaml\n"})
    repo = repository(
        tmp_path / "repo",
        {
            "base/kustomization.yaml": KUSTOMIZATION + "- rule.yaml\n- service.yaml\n",
            "base/rule.yaml": RULE,
            "base/service.yaml": SERVICE,
            "prod/kustomization.yaml": KUSTOMIZATION + "- ../base\n- ../../secret\n- route.yaml\n",
            "prod/route.yaml": ROUTE,
        },
    )
    for path, cwd in ((".", repo / "prod"), ("prod", repo), (str(repo / "prod"), tmp_path)):
        run = call("-o", "json", path, cwd=cwd)
        files = {os.path.normpath(cwd / finding["file"]) for finding in run.findings}
        assert str(repo / "prod/route.yaml") in files and str(repo / "base/rule.yaml") in files
        assert ERROR in {finding["name"] for finding in run.findings}
        assert "v7" not in run.out
        assert [finding["message"] for finding in run.findings if "../../secret" in finding["message"]]
        assert [environment["path"] for environment in run.report["coverage"]["environments"]] == [os.path.relpath(repo / "prod", cwd)]


def test_a_kustomization_with_a_link_out_of_the_boundary(tmp_path: Path) -> None:
    write(tmp_path, {"secret/x.yaml": UNUSED_RULE, "secret/kustomization.yaml": KUSTOMIZATION + "- x.yaml\n"})
    repo = repository(tmp_path / "repo", {"prod/kustomization.yaml": KUSTOMIZATION + "- ../link\n- ../file.yaml\n"})
    (repo / "link").symlink_to("../secret")
    (repo / "file.yaml").symlink_to("../secret/x.yaml")
    run = call("-o", "json", "prod", cwd=repo)
    assert run.code in (0, 1)
    assert "v7" not in run.out and run.report["coverage"]["found"] == 1
