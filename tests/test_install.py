"""The wheel, installed into a fresh environment, brings its rules, schemas and documentation pages."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_wheel_is_whole(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel)], check=True)
    meshlint = tmp_path / "env" / "bin" / "meshlint"
    listed = subprocess.run([meshlint, "rule", "--all", "-o", "json"], check=True, capture_output=True, text=True, cwd=tmp_path)
    names = {rule["name"] for rule in json.loads(listed.stdout)}
    assert names == {path.stem.replace("_", "-") for ending in ("*.py", "*.yaml") for path in (ROOT / "rules").rglob(ending)}
    where = subprocess.run([python, "-c", "import meshlint; print(meshlint.__file__)"], capture_output=True, text=True, cwd=tmp_path)
    assert where.stdout.startswith(str(tmp_path))
    found = subprocess.run([meshlint, str(ROOT / "examples/bookshop"), "-o", "json"], capture_output=True, text=True, cwd=tmp_path)
    assert found.returncode == 1
    assert json.loads(found.stdout)["findings"]
