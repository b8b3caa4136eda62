"""`meshlint convert` as a user runs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from meshlint.bundled import folder
from tests.door import call
from tests.manifests import write
from tests.tools import need

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}
"""
RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  subsets:
    # the old one
    - name: v1
      labels: {version: v1}
    - name: v2
      labels: {version: v2}
"""
ROUTE = """\
# who gets what
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: shop
  labels: {team: a}  # ours
spec:
  hosts: [reviews]
  http:
    - route:
        - destination: {host: reviews, subset: v2}
"""
FAULT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ratings, namespace: shop}
spec:
  hosts: [ratings.shop.svc.cluster.local]
  http:
    - fault: {abort: {httpStatus: 500, percentage: {value: 10}}}
      route: [{destination: {host: ratings, port: {number: 80}}}]
"""
FILES = {"service.yaml": SERVICE, "rule.yaml": RULE, "route.yaml": ROUTE}


def test_documents_on_stdout_and_verdicts_on_stderr(tmp_path: Path) -> None:
    run = call("convert", ".", cwd=write(tmp_path, FILES))
    assert run.code == 0
    assert [one["kind"] for one in yaml.safe_load_all(run.out)] == ["Service", "HTTPRoute"]
    assert run.out.startswith("# VirtualService shop/reviews (route.yaml:3) converts\n")
    assert "converts  VirtualService shop/reviews  route.yaml:3" in run.err
    assert "1 converts; target Istio" in run.err


def test_what_stays_gives_one_and_says_why(tmp_path: Path) -> None:
    run = call("convert", cwd=write(tmp_path, {**FILES, "fault.yaml": FAULT}))
    assert run.code == 1
    assert "spec.http[0].fault: injects a fault" in run.err
    assert "1 converts, 1 stays" in run.err


def test_nothing_to_convert(tmp_path: Path) -> None:
    run = call("convert", cwd=write(tmp_path, {"service.yaml": SERVICE}))
    assert (run.code, run.out) == (0, "")
    assert "nothing to convert" in run.err


def test_no_files_and_no_such_path(tmp_path: Path) -> None:
    assert call("convert", ".", cwd=tmp_path).code == 3
    assert call("convert", "nowhere", cwd=tmp_path).code == 3


def test_quiet(tmp_path: Path) -> None:
    run = call("convert", "-q", cwd=write(tmp_path, FILES))
    assert run.err == ""
    assert "HTTPRoute" in run.out


def test_json_follows_its_schema(tmp_path: Path) -> None:
    run = call("convert", "-o", "json", cwd=write(tmp_path, {**FILES, "fault.yaml": FAULT}))
    schema = json.loads(Path(folder("schemas"), "meshlint/convert.v1.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    report = json.loads(run.out)
    jsonschema.validate(report, schema)
    assert report["summary"] == {"converts": 1, "split": 0, "stays": 1}
    stays, converts = report["verdicts"]
    assert stays["because"] == [
        {
            "path": "spec.http[0].fault", "message": "injects a fault, and the Gateway API has no filter for that",
            "remedy": "Keep it, or inject faults by another tool.", "file": "fault.yaml", "line": 7, "column": 7,
        }
    ]  # fmt: skip
    assert converts["unused_subsets"][0]["path"] == "spec.subsets[1]"
    assert run.code == 1


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "fault.yaml": FAULT})
    assert call("convert", "-o", "json", cwd=tmp_path) == call("convert", "-o", "json", cwd=tmp_path)


def test_markdown(tmp_path: Path) -> None:
    run = call("convert", "-o", "markdown", cwd=write(tmp_path, {**FILES, "fault.yaml": FAULT}))
    rows = [line for line in run.out.splitlines() if line.startswith("| <code>VirtualService")]
    assert [row.split(" | ")[1] for row in rows] == ["stays", "converts"]
    assert "<code>HTTPRoute shop/reviews</code>" in run.out


def test_the_diff_is_one_that_git_takes(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    run = call("convert", "-o", "diff", cwd=tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=run.out, text=True, check=True)
    _written(tmp_path)


def test_writing_in_place(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    run = call("convert", "--write", cwd=tmp_path)
    assert run.code == 0
    assert "wrote route.yaml" in run.err
    _written(tmp_path)
    again = call("convert", "--write", cwd=tmp_path)
    assert "nothing to convert" in again.err or "nothing to write" in again.err


def _written(folder: Path) -> None:
    route, service = yaml.safe_load_all((folder / "route.yaml").read_text())
    assert (route["kind"], service["kind"], service["metadata"]["name"]) == ("HTTPRoute", "Service", "reviews-v2")
    text = (folder / "route.yaml").read_text()
    assert text.startswith("# who gets what\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n")
    assert "labels: {team: a}  # ours" in text
    assert (folder / "rule.yaml").read_text() == RULE[: RULE.index("    - name: v2")]


def test_writing_beside(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    run = call("convert", "--write", "out", cwd=tmp_path)
    assert run.code == 0
    assert (tmp_path / "route.yaml").read_text() == ROUTE
    assert [one["kind"] for one in yaml.safe_load_all((tmp_path / "out/shop-reviews.yaml").read_text())] == ["Service", "HTTPRoute"]


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "out/shop-reviews.yaml": "mine: true\n"})
    run = call("convert", "--write", "out", "--exclude", "out", cwd=tmp_path)
    assert "is there already" in run.err
    assert (tmp_path / "out/shop-reviews.yaml").read_text() == "mine: true\n"


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--name", "reviews"], ["reviews"]),
        (["--name", "shop/rat*"], ["ratings"]),
        (["--host", "reviews.shop.svc.cluster.local"], ["reviews"]),
        (["--host", "nobody"], []),
    ],
)
def test_choosing(arguments: list[str], names: list[str], tmp_path: Path) -> None:
    run = call("convert", "-o", "json", *arguments, cwd=write(tmp_path, {**FILES, "fault.yaml": FAULT}))
    assert [one["object"]["name"] for one in json.loads(run.out)["verdicts"]] == names


def test_one_file_is_converted_in_its_project(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "fault.yaml": FAULT, "meshlint.toml": ""})
    run = call("convert", "route.yaml", "-o", "json", cwd=tmp_path)
    assert [one["outcome"] for one in json.loads(run.out)["verdicts"]] == ["converts"]


def test_a_file_that_cannot_hold_the_result_is_left(tmp_path: Path) -> None:
    listed = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        f"  {line}\n" for line in ["- " + ROUTE.splitlines()[1], *("  " + x for x in ROUTE.splitlines()[2:])]
    )
    write(tmp_path, {"service.yaml": SERVICE, "rule.yaml": RULE, "list.yaml": listed})
    run = call("convert", "--write", cwd=tmp_path)
    assert run.code == 0
    (document,) = yaml.safe_load_all((tmp_path / "list.yaml").read_text())
    assert [item["kind"] for item in document["items"]] == ["HTTPRoute", "Service"]


def test_a_mistyped_option_is_said(tmp_path: Path) -> None:
    assert call("convert", "--write", "out", "-o", "json", cwd=write(tmp_path, FILES)).code == 2
    assert "did you mean --gateways" in call("convert", "--gateway", cwd=tmp_path).err


def test_a_base_is_written_as_all_its_overlays_have_it(tmp_path: Path) -> None:
    bare = {name: text.replace(", namespace: shop", "").replace("  namespace: shop\n", "") for name, text in FILES.items()}
    overlay = "resources: [../../base]\nnamespace: NAME\n"
    write(tmp_path, {
        **{f"base/{name}": text for name, text in bare.items()},
        "base/kustomization.yaml": f"resources: [{', '.join(bare)}]\n",
        "overlays/a/kustomization.yaml": overlay.replace("NAME", "a"), "overlays/b/kustomization.yaml": overlay.replace("NAME", "b"),
    })  # fmt: skip
    run = call("convert", cwd=tmp_path)
    assert "(base/route.yaml:3) converts in overlays/a" in run.out
    call("convert", "--write", cwd=tmp_path)
    route, service = yaml.safe_load_all((tmp_path / "base/route.yaml").read_text())
    assert (route["kind"], route["metadata"]) == ("HTTPRoute", {"name": "reviews", "labels": {"team": "a"}})
    assert service["metadata"] == {"name": "reviews-v2"}


PATCHED = """\
resources: [../../base]
namespace: NAME
labels: [{pairs: {stage: NAME}}]
patches:
- target: {kind: ConfigMap}
  patch: |-
    - {op: replace, path: /data/stage, value: NAME}
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {stage: none}\n"


def overlays(root: Path, **more: str) -> None:
    """The route in a base of two overlays, which only a tool can tell; `more` are the resources of each besides."""
    bare = {name: text.replace(", namespace: shop", "").replace("  namespace: shop\n", "") for name, text in FILES.items()}
    base = {"route.yaml": bare["route.yaml"], "rule.yaml": bare["rule.yaml"], "conf.yaml": CONFIG}
    files = {f"base/{name}": text for name, text in base.items()}
    files["base/kustomization.yaml"] = f"resources: [{', '.join(base)}]\n"
    for name in ("a", "b"):
        used = PATCHED.replace("[../../base]", f"[../../base{', service.yaml' if more.get(name) else ''}]").replace("NAME", name)
        files[f"overlays/{name}/kustomization.yaml"] = used
        if more.get(name):
            files[f"overlays/{name}/service.yaml"] = more[name]
    write(root, files)


@pytest.mark.tools
def test_a_base_that_is_rendered_is_written_as_all_its_overlays_have_it(tmp_path: Path) -> None:
    need("kustomize")
    service = SERVICE.replace(", namespace: shop", "")
    overlays(tmp_path, a=service, b=service)
    run = call("convert", "--write", cwd=tmp_path)
    assert run.code == 0, run.err
    route, service = yaml.safe_load_all((tmp_path / "base/route.yaml").read_text())
    assert (route["kind"], route["metadata"]) == ("HTTPRoute", {"name": "reviews", "labels": {"team": "a"}})
    assert service["metadata"] == {"name": "reviews-v2"} and "stage" not in (tmp_path / "base/route.yaml").read_text()


@pytest.mark.tools
def test_a_base_that_is_rendered_stays_where_it_does_in_one_overlay(tmp_path: Path) -> None:
    """The route of the other one would take the place of both."""
    need("kustomize")
    overlays(tmp_path, a=SERVICE.replace(", namespace: shop", ""))
    before = (tmp_path / "base/route.yaml").read_text()
    run = call("convert", "--write", cwd=tmp_path)
    assert run.code == 1 and "in base/route.yaml is left as it is: it converts differently in each environment" in run.err
    assert (tmp_path / "base/route.yaml").read_text() == before
    table = call("convert", cwd=tmp_path).err
    assert "base/route.yaml:3  in overlays/a" in table and "base/route.yaml:3  in overlays/b" in table


@pytest.mark.tools
def test_what_several_overlays_say_alike_is_said_once(tmp_path: Path) -> None:
    need("kustomize")
    overlays(tmp_path)
    (tmp_path / "base/route.yaml").write_text(FAULT.replace(", namespace: shop", "").replace(".shop.svc.cluster.local", ""))
    run = call("convert", cwd=tmp_path)
    assert run.err.count("spec.http[0].fault: injects a fault") == 1 and "1 stays; target" in run.err


@pytest.mark.tools
def test_a_name_that_a_rendered_overlay_changes_is_not_written(tmp_path: Path) -> None:
    need("kustomize")
    service = SERVICE.replace(", namespace: shop", "")
    overlays(tmp_path, a=service)
    (tmp_path / "overlays/b/kustomization.yaml").unlink()
    path = tmp_path / "overlays/a/kustomization.yaml"
    path.write_text(f"{path.read_text()}nameSuffix: -x\n")
    before = (tmp_path / "base/route.yaml").read_text()
    assert call("convert", "--write", cwd=tmp_path).code == 1
    assert (tmp_path / "base/route.yaml").read_text() == before


def test_a_name_that_kustomize_changes_is_not_written(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "kustomization.yaml": f"resources: [{', '.join(FILES)}]\nnameSuffix: -x\n"})
    before = (tmp_path / "route.yaml").read_text()
    call("convert", "--write", cwd=tmp_path)
    assert (tmp_path / "route.yaml").read_text() == before


@pytest.mark.parametrize("options", [["--write"], ["-o", "diff"]])
def test_what_would_make_it_worse_is_left(tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The project is linted with the routes in place; that of two which brings an error is found, and the other is written."""
    from meshlint import convert_check
    from meshlint.model.problem import Finding

    def worse(before: list[Finding], after: list[Finding]) -> list[str]:
        was, now = ({one.location.file for one in said if one.rule == "ML101"} for said in (before, after))
        assert was == {"bad.yaml", "route.yaml"}
        return [] if "bad.yaml" in now else ["it would bring a new error"]

    monkeypatch.setattr(convert_check, "worse", worse)
    bad = ROUTE.replace("name: reviews\n", "name: bad\n").replace("hosts: [reviews]", "hosts: [bad]").replace("host: reviews", "host: bad")
    rule = RULE.replace("name: reviews,", "name: bad,").replace("host: reviews", "host: bad")
    files = {**FILES, "bad.yaml": bad, "bad-service.yaml": SERVICE.replace("name: reviews,", "name: bad,"), "bad-rule.yaml": rule}
    write(tmp_path, files)
    run = call("convert", *options, cwd=tmp_path)
    assert run.code == 1
    assert "meshlint: VirtualService shop/bad in bad.yaml is left as it is: it would bring a new error\n" in run.err
    assert (tmp_path / "bad.yaml").read_text() == bad and "bad.yaml" not in run.out
    assert ("kind: HTTPRoute" in (tmp_path / "route.yaml").read_text()) == (options == ["--write"])


def test_what_a_template_fills_in_stays_and_all_that_is_bound_to_it(tmp_path: Path) -> None:
    gateway = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: shop}\nspec: {selector: {istio: edge}, "
    gateway += "servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['${HOST}']}]}\n"
    route = ROUTE.replace("  http:", "  gateways: [edge]\n  http:")
    run = call("convert", "--gateways", cwd=write(tmp_path, {**FILES, "gateway.yaml": gateway, "route.yaml": route}))
    assert "spec.servers[0].hosts[0]: is filled in by a template" in run.err
    assert "gateway.yaml: spec.servers[0].hosts[0]: is bound to Gateway shop/edge, which is filled in by a template" in run.err
    assert "gateway.yaml: spec.servers[0].hosts[0]: is filled in" not in run.err  # of the Gateway itself


@pytest.mark.tools
def test_what_all_values_of_a_chart_say_alike_is_said_once(tmp_path: Path) -> None:
    need("helm")
    files = {"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "templates/fault.yaml": FAULT, "values.yaml": "{}\n"}
    run = call("convert", cwd=write(tmp_path, {**files, "values-a.yaml": "a: 1\n", "values-b.yaml": "a: 2\n"}))
    assert run.err.count("spec.http[0].fault: injects a fault") == 1 and "1 stays; target" in run.err


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.yaml"], "meshlint: a.yaml seems to hold VirtualServices and was not analysed: "),
        (["a.yaml", "b.yaml"], "meshlint: 2 files that seem to hold VirtualServices were not analysed, the first is a.yaml: "),
    ],
)
def test_what_cannot_be_read_is_named_with_the_reason(tmp_path: Path, names: list[str], said: str) -> None:
    run = call("convert", cwd=write(tmp_path, {**FILES, **dict.fromkeys(names, f"{FAULT}spec: [\n")}))
    (line,) = (line for line in run.err.splitlines() if "seem" in line)
    assert line.startswith(said) and "template" not in line


def test_copies_of_one_object_are_alternatives(tmp_path: Path) -> None:
    write(tmp_path, {"service.yaml": SERVICE, "rule.yaml": RULE, "a/route.yaml": ROUTE, "b/route.yaml": ROUTE})
    run = call("convert", "--write", cwd=tmp_path)
    assert run.code == 0, run.err
    for copy in ("a", "b"):
        route, service = yaml.safe_load_all((tmp_path / copy / "route.yaml").read_text())
        assert (route["kind"], service["metadata"]["name"]) == ("HTTPRoute", "reviews-v2")


def test_two_that_use_one_rule_are_written_together(tmp_path: Path) -> None:
    other = (
        ROUTE.replace("name: reviews\n", "name: other\n").replace("hosts: [reviews]", "hosts: [other]").replace("subset: v2", "subset: v1")
    )
    service = SERVICE.replace("name: reviews,", "name: other,")
    write(tmp_path, {**FILES, "other.yaml": other, "other-service.yaml": service})
    run = call("convert", "--write", cwd=tmp_path)
    assert run.code == 0, run.err
    assert not (tmp_path / "rule.yaml").exists()
    assert "deleted rule.yaml" in run.err


def test_a_gateway_is_not_taken_from_under_what_its_file_cannot_hold(tmp_path: Path) -> None:
    gateway = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example.com, b.example.com]}]
"""
    held = {
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {
            "hosts": ["a.example.com"], "gateways": ["public"], "http": [{"route": [{"destination": {"host": "reviews", "subset": "v2"}}]}],
        },
    }  # fmt: skip
    other = ROUTE.replace("hosts: [reviews]", "hosts: [b.example.com]\n  gateways: [public]")
    write(tmp_path, {**FILES, "route.yaml": other, "gateway.yaml": gateway, "route.json": json.dumps(held)})
    code, out, err = call("convert", "--gateways", "-o", "diff", str(tmp_path))
    assert (code, out) == (1, "")
    assert err.count("is left as it is: a JSON file holds one document") == 3
