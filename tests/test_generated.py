"""Generated files are what their sources make of them; `pytest tests/test_generated.py --write` renews them."""

import json
from pathlib import Path

import pytest

from meshlint.check.registry import describe, scan
from meshlint.pages import overview, page

ROOT = Path(__file__).parent.parent
RULES = scan()


def expected() -> dict[str, str]:
    rows = ",\n".join(json.dumps(describe(rule), ensure_ascii=False) for rule in RULES)
    out = {"rules/index.json": f"[\n{rows}\n]\n", "docs/rules.md": overview(RULES)}
    return out | {rule.help: page(rule) for rule in RULES}


@pytest.mark.parametrize("path", sorted(expected()))
def test_is_current(path: str, write: bool) -> None:
    file = ROOT / path
    if write:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(expected()[path], encoding="utf-8")
    assert file.read_text(encoding="utf-8") == expected()[path], "run: pytest tests/test_generated.py --write"


def test_no_page_is_left_over() -> None:
    pages = {f"docs/rules/{path.name}" for path in (ROOT / "docs/rules").glob("*.md")}
    assert pages == {rule.help for rule in RULES}
