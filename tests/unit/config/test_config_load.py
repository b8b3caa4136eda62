"""What a configuration says, and what it is told when it is wrong."""

import subprocess
import sys

import jsonschema
import pytest

from meshlint.config import Config, ConfigError, ConfiguredEnvironment, PathSettings, load
from meshlint.facts import table
from meshlint.model.mesh import Settings

FULL = """
level = "strict"
target = {istio = "1.30", gateway-api = "1.5", channel = "experimental", distribution = "solo"}
goal = "ambient"
phase = "switch"
assume-mode = "sidecar"
select = ["ML1", "security"]
extend-select = ["ML801"]
ignore = ["ML102"]
impact = ["breaks"]
min-severity = "note"
min-confidence = "medium"
fail-on = "never"
exit-zero = true
color = "never"
quiet = true
verbose = true
output-file = "out/report.txt"
exclude = ["vendor/"]
force-exclude = true
output-format = ["text", "json=report.json"]
render = "never"
context = "clusters"
environments = ["prod"]
cluster-domain = "corp.local"
root-namespace = "mesh"
cache-dir = ".cache/meshlint"
no-cache = true
statistics = true
jobs = 2

[severity]
ML101 = "note"

[assume]
services = ["shop/cart"]
waypoints = ["shop/waypoint"]
gateways = ["edge/public"]
namespaces = ["edge"]

[[environment]]
name = "prod"
paths = ["base", "prod"]

[[per-path]]
paths = ["legacy/"]
ignore = ["ML1"]
severity = {ML201 = "note"}
impact = ["breaks"]
min-severity = "warning"
min-confidence = "high"
"""


def read(tmp_path, text, name="meshlint.toml", given=False):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return load(str(path), given)


def mistakes(tmp_path, text, name="meshlint.toml", given=False):
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, text, name, given)
    return str(raised.value).replace(str(tmp_path) + "/", "")


def test_every_key_arrives(tmp_path):
    config = read(tmp_path, FULL)
    assert config == Config(
        path=str(tmp_path / "meshlint.toml"), root=str(tmp_path), level="strict", impact=("breaks",), exit_zero=True,
        color="never", quiet=True, verbose=True, output_file=str(tmp_path / "out/report.txt"),
        per_path=(PathSettings(("legacy/",), ("ML1",), {"ML201": "note"}, ("breaks",), "warning", "high"),),
        target={"istio": "1.30", "gateway-api": "1.5", "channel": "experimental", "distribution": "solo"},
        goal="ambient", phase="switch", assume_mode="sidecar", select=("ML1", "security"), extend_select=("ML801",), ignore=("ML102",),
        severity={"ML101": "note"}, min_severity="note", min_confidence="medium", fail_on="never", exclude=("vendor/",), force_exclude=True,
        output_format=("text", "json=report.json"), render="never", context=str(tmp_path / "clusters"), environments=("prod",),
        environment=(ConfiguredEnvironment("prod", ("base", "prod")),), assume_services=("shop/cart",), assume_waypoints=("shop/waypoint",),
        assume_gateways=("edge/public",), assume_namespaces=("edge",), cluster_domain="corp.local", root_namespace="mesh",
        cache_dir=str(tmp_path / ".cache" / "meshlint"), no_cache=True, statistics=True, jobs=2,
    )  # fmt: skip
    assert config.settings == Settings(
        "ambient", "switch", "sidecar", "corp.local", "mesh", ("shop/cart",), ("shop/waypoint",), ("edge/public",), ("edge",)
    )


def test_the_schema_is_one_and_knows_the_fields_of_config():
    schema = table("meshlint/config.v1")
    jsonschema.Draft202012Validator.check_schema(schema)
    keys = {key.replace("-", "_") for key in schema["properties"]} - {"assume", "extend"}
    assumed = {field for field in Config._fields if field.startswith("assume_")} - {"assume_mode"}
    others = {"path", "root", "write_baseline", "rules", *assumed}
    assert keys == set(Config._fields) - others
    assert all("description" in value for value in schema["properties"].values())


def test_an_empty_file_gives_the_defaults(tmp_path):
    assert read(tmp_path, "\ufeff# nothing\n") == Config(path=str(tmp_path / "meshlint.toml"), root=str(tmp_path))
    assert Config().settings == Settings()


def test_pyproject_holds_it_under_tool(tmp_path):
    assert read(tmp_path, '[project]\nname = "x"\n[tool.meshlint]\ngoal = "gateway-api"\n', "pyproject.toml").goal == "gateway-api"


def test_the_command_line_wins(tmp_path):
    config = read(tmp_path, FULL).replace(goal="both", jobs=None, severity={"ML102": "error"}, select=())
    assert (config.goal, config.jobs, config.select) == ("both", 2, ())
    assert config.severity == {"ML101": "note", "ML102": "error"}


def test_config_is_frozen():
    with pytest.raises(AttributeError):
        Config().goal = "ambient"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('goal = "both"\nseverty = {}\n', "meshlint.toml:2: severty: unknown key; did you mean severity?"),
        ("fail_on = 'note'\n", "meshlint.toml:1: fail_on: unknown key; did you mean fail-on?"),
        ('\n[assume]\nservice = ["a/b"]\n', "meshlint.toml:3: assume.service: unknown key; did you mean services?"),
        ('goal = "ambiant"\n', "meshlint.toml:1: goal: 'ambiant' is none of ambient, gateway-api, both; did you mean ambient?"),
        ("jobs = 0\n", "meshlint.toml:1: jobs: must be at least 1, not 0"),
        ("level = 'stric'\n", "meshlint.toml:1: level: 'stric' is none of minimal, default, strict; did you mean strict?"),
        ("impact = ['break']\n", "meshlint.toml:1: impact[0]: 'break' is none of breaks, ignored"),
        ("[[per-path]]\npaths = ['a']\nignor = []\n", "meshlint.toml:3: per-path[0].ignor: unknown key; did you mean ignore?"),
        ("[[per-path]]\nignore = []\n", "meshlint.toml:1: per-path[0]: needs paths"),
        ("jobs = '2'\n", "meshlint.toml:1: jobs: must be a whole number, not '2'"),
        ("select = 'ML101'\n", "meshlint.toml:1: select: must be a list, not 'ML101'"),
        ("[severity]\nML101 = 'fatal'\n", "meshlint.toml:2: severity.ML101: 'fatal' is none of error, warning, note"),
        ("[target]\nistio = 1.30\n", "meshlint.toml:2: target.istio: must be text, not 1.3"),
        ("[target]\nistio = '1.30'\ngateway = '1.5'\n", "meshlint.toml:3: target.gateway: unknown key; did you mean gateway-api?"),
        ("output-format = 'xml'\n", "meshlint.toml:1: output-format: 'xml' is not one of text, concise, json"),
        (
            "[[environment]]\nname = 'a'\npaths = ['a']\n\n[[environment]]\nname = 'b'\n",
            "meshlint.toml:5: environment[1]: needs paths",
        ),
        ("exclude = [\n  '',\n]\n", "meshlint.toml:1: exclude[0]: must not be empty"),
        ("goal = \n", "meshlint.toml:1: not TOML"),
        ("goal = 'both'\ngoal = 'both'\n", "not TOML"),
        ("a = " + "[" * 100_000, "meshlint.toml:"),
    ],
)
def test_mistakes_say_where_and_what(tmp_path, text, said):
    assert mistakes(tmp_path, text).startswith(said) or said in mistakes(tmp_path, text)


def test_mistakes_of_a_pyproject_count_from_its_first_line(tmp_path):
    said = mistakes(tmp_path, "[tool.other]\ngoal = 'x'\n[tool.meshlint]\ngoal = 'x'\n", "pyproject.toml")
    assert said.startswith("pyproject.toml:4: goal: 'x' is none of")


def test_all_mistakes_are_told_at_once(tmp_path):
    assert len(mistakes(tmp_path, "goal = 'x'\nphase = 'y'\nplugins = ['z']\n").splitlines()) == 3


def test_plugins_are_named_by_the_user_only(tmp_path):
    said = mistakes(tmp_path, "plugins = ['evil']\n")
    assert said.startswith("meshlint.toml:1: plugins: refused") and "--config" in said
    assert read(tmp_path, "plugins = ['mine']\n", given=True).plugins == ("mine",)


@pytest.mark.parametrize("given", [False, True])
def test_folders_of_python_rules_are_named_on_the_command_line_only(tmp_path, given):
    said = mistakes(tmp_path, "rules = ['evil']\n", given=given)
    assert said.startswith("meshlint.toml:1: rules: refused") and "--rules" in said


def test_rules_as_data_are_named_by_path(tmp_path):
    assert read(tmp_path, "declared-rules = ['policies', 'a/b.yaml']\n").declared_rules == (
        str(tmp_path / "policies"), str(tmp_path / "a" / "b.yaml"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "cache-dir = '/tmp'\n",
        "output-file = '../x'\n",
        "cache-dir = 'a/../../b'\n",
        "context = '..'\n",
        "declared-rules = ['../rules.yaml']\n",
        "output-format = 'json=../../home/report.json'\n",
        "[[environment]]\nname = 'x'\npaths = ['/etc']\n",
    ],
)
def test_a_found_configuration_stays_in_its_folder(tmp_path, text):
    assert "leads out of" in mistakes(tmp_path, text)
    assert read(tmp_path, text, given=True).path == str(tmp_path / "meshlint.toml")


@pytest.mark.parametrize("path", [".git/config", "a/.git", ".GIT/hooks/x", "git~1/config", "link/config"])
def test_a_found_configuration_writes_nothing_that_git_runs(tmp_path, path):
    """A report that begins with the name of a file can be a valid configuration of git, or a hook."""
    (tmp_path / "link").symlink_to(tmp_path / ".git")
    (tmp_path / ".git").mkdir()
    for text in (f"output-file = '{path}'\n", f"output-format = 'concise={path}'\n", f"cache-dir = '{path}'\n"):
        assert "leads into .git" in mistakes(tmp_path, text)
        assert read(tmp_path, text, given=True).path == str(tmp_path / "meshlint.toml")


def test_links_are_followed_before_a_path_is_trusted(tmp_path):
    inner = tmp_path / "repository"
    inner.mkdir()
    (inner / "cache").symlink_to(tmp_path)
    assert "leads out of" in mistakes(inner, "cache-dir = 'cache'\n")
    (tmp_path / "secret.toml").write_text("goal = 'both'\n")
    (inner / "meshlint.toml").unlink()
    (inner / "meshlint.toml").symlink_to(tmp_path / "secret.toml")
    with pytest.raises(ConfigError, match="leads out of its folder"):
        load(str(inner / "meshlint.toml"))


def test_none_is_a_context(tmp_path):
    assert read(tmp_path, "context = 'none'\n").context == "none"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load(str(tmp_path / "meshlint.toml"))
    (tmp_path / "meshlint.toml").write_bytes(b"goal = '\xff'\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(str(tmp_path / "meshlint.toml"))
    (tmp_path / "meshlint.toml").write_text("#" * 1_000_001)
    with pytest.raises(ConfigError, match="longer than"):
        load(str(tmp_path / "meshlint.toml"))


def test_without_a_file_nothing_heavy_is_imported():
    heavy = "{'tomllib', 'tomli', 'jsonschema', 'json', 'pathlib'}"
    code = f"import sys, meshlint.config as c; c.find_config('/'); print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
