"""What is a comment that speaks to meshlint, and what only looks like one."""

from __future__ import annotations

import pytest

from meshlint.model.position import Source
from meshlint.read.comments import Comment, comments

TEXT = """\
# meshlint: ignore-file[all-of-it] a whole file
a: b # meshlint: ignore[ML101, vs-retries] because # expect: X
# meshlint: ignore[above]
# other
c: |  # meshlint: ignore[header]
  # meshlint: ignore[no]
  x
  # meshlint: ignore[no]
# meshlint: ignore[below-a-block]
d: "x # meshlint: ignore[no]
  # meshlint: ignore[no]
  " # meshlint: ignore[behind-a-string]
e: 'it''s # meshlint: ignore[no]'
f: [1, # meshlint: ignore[in-brackets]
  "# meshlint: ignore[no]"]
g: plain#meshlint:ignore[no]
h: !Custom
  i: 1 # meshlint: ignore[below-a-tag]
"k # meshlint: ignore[no]": 1
? "k2 # meshlint: ignore[no]"
: 2
j: {{ a }} # meshlint: ignore[template]
l: 3 # note # meshlint: ignore[second] r1 # meshlint: ignore[third] r2
m: &x "# meshlint: ignore[no]"
n: *x # meshlint: ignore[alias]
"""


def found(text: str, path: str = "x.yaml") -> list[Comment]:
    return comments(Source(path, text))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_comments_are_told_from_strings(end: str) -> None:
    said = [(one.words, one.line, one.reason) for one in found(TEXT.replace("\n", end))]
    assert said == [
        (("all-of-it",), 1, "a whole file"),
        (("ML101", "vs-retries"), 1, "because"),
        (("above",), 4, ""),
        (("header",), 4, ""),
        (("below-a-block",), 9, ""),
        (("behind-a-string",), 11, ""),
        (("in-brackets",), 13, ""),
        (("below-a-tag",), 17, ""),
        (("template",), 21, ""),
        (("second",), 22, "r1"),
        (("third",), 22, "r2"),
        (("alias",), 24, ""),
    ]


def test_places() -> None:
    text = "a: 1  # meshlint: ignore[x,  y] why # other\n"
    (one,) = found(text)
    assert text[slice(*one.span)] == "# meshlint: ignore[x,  y] why"
    assert one.words_span is not None and text[slice(*one.words_span)] == "x,  y"
    assert text[slice(*one.comment)] == "# meshlint: ignore[x,  y] why # other"
    assert (one.alone, one.certain) == (False, True)


def test_in_a_text_that_does_not_parse_only_whole_lines_count() -> None:
    text = "a: [\n# meshlint: ignore[x]\n  # meshlint: ignore[no]\nb: 'c # meshlint: ignore[no]\n---\nd: 1 # meshlint: ignore[y]\n"
    assert [(one.words, one.certain) for one in found(text)] == [(("x",), False), (("y",), True)]


@pytest.mark.parametrize("text", ["{a: 1} # meshlint: ignore[x]\n", '{"a": "# meshlint: ignore[x]"}'])
def test_json_has_none(text: str) -> None:
    assert found(text, "x.json") == []


def test_the_end_of_the_file_is_no_value() -> None:
    assert [one.line for one in found("a: 1\n# meshlint: ignore[x]\n")] == [None]
    assert [one.line for one in found("a: 1\n# meshlint: ignore[x]")] == [None]


def test_hostile_texts_take_no_time() -> None:
    import time

    begin = time.perf_counter()
    found("# meshlint: ignore[x]\n" * 5_000)
    found("a: 1 # meshlint: ignore[x" + " " * 200_000 + "\n")
    found("# meshlint: " * 20_000)
    found(f"a: {'# ' * 50_000}meshlint:\n")
    assert time.perf_counter() - begin < 5
