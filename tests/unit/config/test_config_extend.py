"""Configurations that extend others: who has the last word, whose folder counts, what is refused."""

import pytest

from meshlint.config import Config, ConfigError, PathSettings, load


def write(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_toml", ".toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return str(folder / "meshlint.toml")


def mistake(path, given=False):
    with pytest.raises(ConfigError) as raised:
        load(path, given)
    return str(raised.value)


def test_the_file_that_extends_has_the_last_word(tmp_path):
    path = write(
        tmp_path,
        base_toml="goal = 'ambient'\nignore = ['ML101']\nfail-on = 'error'\n"
        "[severity]\nML101 = 'note'\nML102 = 'note'\n[target]\nistio = '1.29'\n",
        meshlint_toml="extend = 'base.toml'\nignore = ['ML102']\n[severity]\nML102 = 'error'\n[target]\nchannel = 'experimental'\n",
    )
    config = load(path)
    assert (config.goal, config.ignore, config.fail_on) == ("ambient", ("ML102",), "error")
    assert config.severity == {"ML101": "note", "ML102": "error"}
    assert config.target == {"istio": "1.29", "channel": "experimental"}
    assert (config.path, config.root) == (path, str(tmp_path))


def test_of_several_the_later_one_wins_and_one_is_read_once(tmp_path):
    path = write(
        tmp_path,
        shared_toml="goal = 'ambient'\nphase = 'switch'\n[[per-path]]\npaths = ['a/']\n",
        one_toml="extend = 'shared.toml'\ngoal = 'gateway-api'\nfail-on = 'note'\n",
        two_toml="extend = 'shared.toml'\nfail-on = 'error'\n[[per-path]]\npaths = ['b/']\n",
        meshlint_toml="extend = ['one.toml', 'two.toml']\n[[per-path]]\npaths = ['c/']\n",
    )
    config = load(path)
    assert (config.goal, config.phase, config.fail_on) == ("gateway-api", "switch", "error")
    assert config.per_path == (PathSettings(("a/",)), PathSettings(("b/",)), PathSettings(("c/",)))


def test_paths_and_patterns_count_from_their_own_file(tmp_path):
    (tmp_path / ".git").mkdir()
    write(
        tmp_path,
        meshlint_toml="",
        base_toml="cache-dir = 'cache'\ncontext = 'apps'\noutput-format = ['text', 'json=out.json']\n"
        "exclude = ['vendor/', '/apps/shop/old/', '/other/']\n[[per-path]]\npaths = ['apps/*/legacy/']\n"
        "[[environment]]\nname = 'prod'\npaths = ['apps/shop/prod']\n[[suppress]]\nrules = ['ML101']\npaths = ['apps/shop/x.yaml']\n",
        apps__shop__meshlint_toml="extend = '../../base.toml'\n",
    )
    config = load(str(tmp_path / "apps/shop/meshlint.toml"))
    assert (config.cache_dir, config.context) == (str(tmp_path / "cache"), str(tmp_path / "apps"))
    assert config.output_format == ("text", "json=../../out.json")
    assert config.exclude == ("vendor/", "/old/")
    assert config.per_path[0].paths == ("/legacy/",)
    assert config.environment[0].paths == ("prod",)
    assert (config.suppress[0].paths, config.suppress[0].line) == (("/x.yaml",), 10)


def test_a_pyproject_can_extend_and_be_extended(tmp_path):
    write(tmp_path, base_toml="goal = 'ambient'\n", pyproject_toml="[tool.meshlint]\nextend = 'base.toml'\nphase = 'switch'\n")
    path = write(tmp_path, meshlint_toml="extend = 'pyproject.toml'\n")
    assert load(path) == Config(path=path, root=str(tmp_path), goal="ambient", phase="switch")


def test_circles_are_refused(tmp_path):
    path = write(tmp_path, meshlint_toml="\nextend = 'a.toml'\n", a_toml="extend = 'b.toml'\n", b_toml="goal = 'both'\nextend = 'a.toml'\n")
    assert mistake(path) == f"{tmp_path}/b.toml:2: extend: 'a.toml' extends this file again, in a circle"
    assert "circle" in mistake(write(tmp_path, meshlint_toml="extend = 'meshlint.toml'\n"))
    assert "circle" in mistake(path, given=True)


def test_a_long_chain_is_refused(tmp_path):
    for number in range(30):
        (tmp_path / f"{number}.toml").write_text(f"extend = '{number + 1}.toml'\n")
    assert "20 files deep" in mistake(write(tmp_path, meshlint_toml="extend = '0.toml'\n"))


def test_it_stays_in_the_repository(tmp_path):
    inside = tmp_path / "repository"
    write(tmp_path, secret_toml="goal = 'ambient'\n")
    path = write(inside, meshlint_toml="extend = '../secret.toml'\n")
    assert "leads out of" in mistake(path) and "--config" in mistake(path)
    assert load(path, given=True).goal == "ambient"
    (inside / "link.toml").symlink_to(tmp_path / "secret.toml")
    assert "leads out of" in mistake(write(inside, meshlint_toml="extend = 'link.toml'\n"))
    (tmp_path / ".git").mkdir()
    assert load(write(inside, meshlint_toml="extend = '../secret.toml'\n")).goal == "ambient"


def test_what_is_extended_may_not_name_code_either(tmp_path):
    path = write(tmp_path, meshlint_toml="extend = 'base.toml'\n", base_toml="plugins = ['evil']\n")
    assert mistake(path).startswith(f"{tmp_path}/base.toml:1: plugins: refused")
    assert load(path, given=True).plugins == ("evil",)


@pytest.mark.parametrize(
    ("extend", "said"),
    [
        ("'missing.toml'", "meshlint.toml:1: extend: 'missing.toml' is no file"),
        ("'folder'", "is no file"),
        ("5", "extend: must be"),
        ("''", "must not be empty"),
        ("['base.toml', 'missing.toml']", "'missing.toml' is no file"),
    ],
)
def test_mistakes_are_told(tmp_path, extend, said):
    (tmp_path / "folder").mkdir()
    assert said in mistake(write(tmp_path, meshlint_toml=f"extend = {extend}\n", base_toml=""))


def test_a_mistake_in_what_is_extended_is_told_with_its_place(tmp_path):
    path = write(tmp_path, meshlint_toml="extend = 'base.toml'\n", base_toml="\ngaol = 'both'\n")
    assert mistake(path) == f"{tmp_path}/base.toml:2: gaol: unknown key; did you mean goal?"
