"""The code is told by its contents: an installation of the same version is the same."""

import os
from pathlib import Path

from meshlint.cache.version import code_version


def written(folder: Path, text: str = "a = 1\n") -> str:
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "module.py").write_text(text)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "module.pyc").write_text(str(folder))
    return str(folder)


def test_places_and_times_do_not_matter(tmp_path: Path) -> None:
    one, other = written(tmp_path / "one"), written(tmp_path / "other")
    os.utime(Path(other, "below", "module.py"), (1, 1))
    assert code_version(one) == code_version(other)


def test_contents_and_names_do(tmp_path: Path) -> None:
    one, other, named = written(tmp_path / "one"), written(tmp_path / "other", "a = 2\n"), written(tmp_path / "named")
    Path(named, "below", "module.py").rename(Path(named, "below", "model.py"))
    assert len({code_version(folder) for folder in (one, other, named)}) == 3
