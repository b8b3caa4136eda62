"""Where rules/, schemas/ and docs/rules are found."""

import pytest

from meshlint import bundled


def test_a_checkout_holds_them_beside_the_package():
    assert bundled.folder("schemas").replace("\\", "/").endswith("/schemas")


def test_the_installed_copy_comes_first(tmp_path, monkeypatch):
    package = tmp_path / "meshlint"
    monkeypatch.setattr(bundled, "_HERE", str(package))
    monkeypatch.setattr(bundled, "_FOUND", {})
    (tmp_path / "docs" / "rules").mkdir(parents=True)
    assert bundled.folder("docs/rules") == str(tmp_path / "docs" / "rules")
    bundled._FOUND.clear()
    (package / "_bundled" / "docs" / "rules").mkdir(parents=True)
    assert bundled.folder("docs/rules") == str(package / "_bundled" / "docs" / "rules")


def test_a_missing_folder_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "_HERE", str(tmp_path / "meshlint"))
    monkeypatch.setattr(bundled, "_FOUND", {})
    with pytest.raises(FileNotFoundError, match="rules/ is neither in"):
        bundled.folder("rules")
