"""The public door: meshlint run on a folder as a user runs it, in this process."""

from meshlint.testing import Run, call, lint

__all__ = ["Run", "call", "lint"]
