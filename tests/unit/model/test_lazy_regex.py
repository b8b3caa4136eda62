import re

from meshlint.model.lazy_regex import lazy_regex


def test_it_is_compiled_when_it_is_first_used_and_once(monkeypatch):
    made = []
    compile_now = re.compile
    monkeypatch.setattr(re, "compile", lambda *given: made.append(given) or compile_now(*given))
    form = lazy_regex("^b(.)", re.MULTILINE)
    assert made == []
    assert [form.search(text)[1] for text in ("a\nbc", "bd")] == ["c", "d"]
    assert made == [("^b(.)", re.MULTILINE)]
    assert form.sub("", "bc") == "" and form.pattern == "^b(.)" and form.match("a") is None
