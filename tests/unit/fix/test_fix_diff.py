"""The diff of any changes is one that git applies, with the result that was meant."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint.edit.pieces import Cut, Pieces
from meshlint.fix.diff import changed_file, gone_file, new_file

LINES = st.sampled_from(["a\n", "b: 1\n", "\n", "  c\r\n", "d\r\n", "# x\n", "\u2028e\x85\n"])


@st.composite
def changes(draw: Any) -> tuple[str, list[Cut]]:
    text = "".join(draw(st.lists(LINES, max_size=30))) + draw(st.sampled_from(["", "", "end"]))
    at, cuts = 0, list[Cut]()
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(at, len(text)))
        end = draw(st.integers(start, min(start + 12, len(text))))
        if cuts and start == cuts[-1][1]:
            continue
        cuts.append((start, end, draw(st.sampled_from(["", "x", "\n", "new\n", "one\ntwo", "\nthree\r\n"]))))
        at = end
    return text, cuts


def result(text: str, cuts: list[Cut]) -> str:
    pieces = Pieces(text)
    pieces.apply(cuts)
    return pieces.text


def patched(text: str | None, diff: str) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "f.yaml"
        if text is not None:
            file.write_bytes(text.encode())
        if diff:
            subprocess.run(["git", "apply", "-"], cwd=folder, input=diff.encode(), check=True, capture_output=True)
        return file.read_bytes().decode() if file.exists() else None


@settings(max_examples=60, deadline=None)
@given(changes())
def test_git_applies_it(given: tuple[str, list[Cut]]) -> None:
    text, cuts = given
    diff = "".join(changed_file("f.yaml", text, cuts))
    new = result(text, cuts)
    assert bool(diff) == (new != text)
    assert patched(text, diff) == new


def test_files_that_come_and_go() -> None:
    for text in ("a\n", "a\nb", "a"):
        assert patched(None, "".join(new_file("f.yaml", text))) == text
        assert patched(text, "".join(gone_file("f.yaml", text, 0o644))) is None


def test_far_changes_are_hunks_of_their_own() -> None:
    text = "".join(f"{n}\n" for n in range(40))
    diff = "".join(changed_file("d/f.yaml", text, [(2, 3, "x"), (text.index("20"), text.index("21"), ""), (len(text), len(text), "end\n")]))
    assert diff.splitlines() == [
        "diff --git a/d/f.yaml b/d/f.yaml", "--- a/d/f.yaml", "+++ b/d/f.yaml",
        "@@ -1,5 +1,5 @@", " 0", "-1", "+x", " 2", " 3", " 4",
        "@@ -18,7 +18,6 @@", " 17", " 18", " 19", "-20", " 21", " 22", " 23",
        "@@ -38,3 +37,4 @@", " 37", " 38", " 39", "+end",
    ]  # fmt: skip


def test_odd_names_are_quoted_as_git_quotes_them() -> None:
    head = next(iter(new_file('a "b"\u00fc\t.yaml', "x\n")))
    assert head.splitlines()[0] == 'diff --git "a/a \\"b\\"\\303\\274\\011.yaml" "b/a \\"b\\"\\303\\274\\011.yaml"'
    assert next(iter(new_file("a b.yaml", "x\n"))).splitlines()[-1] == "+++ b/a b.yaml\t"


def test_lines_behind_an_open_one_change_it() -> None:
    """An open last line is none of the context: other tools than git would add an empty line."""
    diff = "".join(changed_file("f.yaml", "a\nb", [(3, 3, "\nc")]))
    end = "\\ No newline at end of file"
    assert diff.splitlines()[3:] == ["@@ -1,2 +1,3 @@", " a", "-b", end, "+b", "+c", end]
    assert "".join(changed_file("f.yaml", "a\nb\n", [(4, 4, "c\n")])).splitlines()[3:] == ["@@ -1,2 +1,3 @@", " a", " b", "+c"]
