"""The fixtures of an editor, where the packages for them are installed."""

from importlib.util import find_spec

if find_spec("pytest_lsp") is not None and find_spec("pygls") is not None:
    from tests.lsp.editor import client, editor  # noqa: F401
