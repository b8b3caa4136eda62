"""Which configuration file holds for a path."""

from meshlint.config import find_config


def test_the_nearest_folder_upwards_wins(tmp_path):
    (tmp_path / "meshlint.toml").write_text("")
    inner = tmp_path / "apps" / "shop"
    inner.mkdir(parents=True)
    assert find_config(str(inner)) == str(tmp_path / "meshlint.toml")
    (tmp_path / "apps" / "pyproject.toml").write_text("[tool.meshlint]\n")
    assert find_config(str(inner)) == str(tmp_path / "apps" / "pyproject.toml")


def test_meshlint_toml_beats_pyproject_beside_it(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.meshlint]\n")
    (tmp_path / "meshlint.toml").write_text("")
    assert find_config(str(tmp_path)) == str(tmp_path / "meshlint.toml")


def test_a_pyproject_without_the_section_is_passed_over(tmp_path):
    (tmp_path / "meshlint.toml").write_text("")
    inner = tmp_path / "tools"
    inner.mkdir()
    (inner / "pyproject.toml").write_text('[project]\ndependencies = ["meshlint"]\n[tool.ruff]\n')
    assert find_config(str(inner / "file.yaml")) == str(tmp_path / "meshlint.toml")


def test_a_broken_pyproject_counts_if_it_has_the_section(tmp_path):
    (tmp_path / "meshlint.toml").write_text("")
    inner = tmp_path / "tools"
    inner.mkdir()
    (inner / "pyproject.toml").write_text('[project]\nname = "meshlint\n')
    assert find_config(str(inner)) == str(tmp_path / "meshlint.toml")
    (inner / "pyproject.toml").write_text("[tool.meshlint]\ngoal = \n")
    assert find_config(str(inner)) == str(inner / "pyproject.toml")


def test_a_folder_named_like_the_file_is_none(tmp_path):
    (tmp_path / "meshlint.toml").mkdir()
    found = find_config(str(tmp_path))
    assert found is None or not found.startswith(str(tmp_path))
