"""`meshlint completion`: the scripts, asked by the shells that are here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.door import call

pytest.importorskip("shtab", reason="shtab is not installed: pip install 'meshlint[completion]'")
ASKED = {
    "meshlint env": {"environments"},
    "meshlint --sel": {"--select"},
    "meshlint check --select vs-subset-d": {"vs-subset-destination"},
    "meshlint rule ML10": {f"ML10{digit}" for digit in range(1, 10)},
    "meshlint check -o sar": {"sarif"},
}
BASH = """\
source "$1"
function=$(complete -p meshlint | sed 's/.*-F \\([^ ]*\\).*/\\1/')
read -ra COMP_WORDS <<< "$2"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
$function meshlint "${COMP_WORDS[COMP_CWORD]}" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """\
fpath=("${1:h}" $fpath) && autoload -Uz compinit && compinit -u -d "$2" && echo ${_comps[meshlint]} && autoload +X _meshlint && zsh -n "$1"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = {}
    for shell in ("bash", "zsh", "fish"):
        done = call("completion", shell)
        assert (done.code, done.err) == (0, "")
        out[shell] = tmp_path_factory.mktemp(shell) / "_meshlint"
        out[shell].write_text(done.out)
    return out


def asked(shell: str, *arguments: str | Path) -> list[str]:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, *map(str, arguments)], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("line", ASKED)
def test_bash(scripts: dict[str, Path], line: str) -> None:
    assert set(asked("bash", "-c", BASH, "bash", scripts["bash"], line)) == ASKED[line]


@pytest.mark.parametrize("line", ASKED)
def test_fish(scripts: dict[str, Path], line: str) -> None:
    lines = asked("fish", "-c", f"source {scripts['fish']}; complete -C '{line}'")
    assert {said.partition("\t")[0] for said in lines} == ASKED[line]


def test_zsh_takes_the_script(scripts: dict[str, Path], tmp_path: Path) -> None:
    assert asked("zsh", "-f", "-c", ZSH, "zsh", scripts["zsh"], tmp_path / "dump") == ["_meshlint"]


def test_every_command_and_option_is_in_each_script(scripts: dict[str, Path]) -> None:
    for shell, file in scripts.items():
        text = file.read_text()
        for word in ("environments", "completion", "new-since", "subset-unused"):
            assert word in text, (shell, word)
