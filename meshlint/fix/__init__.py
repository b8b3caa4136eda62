"""Fixes: completed, chosen, compared, shown and written (docs/fixing.md). Whoever lints again is above: meshlint/repair.py."""
