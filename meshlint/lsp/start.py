"""Starts the language server, where the packages for it are installed."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable

from meshlint.config import Config


class NoLibraryError(Exception):
    """The packages that the language server is made with are not installed."""


def serve(configure: Callable[[str], Config]) -> int:
    """Answer on stdin and stdout until the editor is done; the exit code: 1 where it left without saying so. `configure` gives
    the configuration that holds for a folder or file. Raises NoLibraryError."""
    try:
        import lsprotocol  # noqa: F401
        import pygls.lsp.server  # noqa: F401
    except ImportError:
        raise NoLibraryError("meshlint lsp needs the package pygls: pip install 'meshlint[lsp]'") from None
    import logging

    from meshlint.lsp.handlers import register
    from meshlint.lsp.server import Server

    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="meshlint: %(message)s")
    gc.enable()
    gc.set_threshold(50_000, 20, 100)  # most of what stays is a repository, with nothing to collect in it
    server = Server(configure)
    register(server)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")  # the messages alone go there: whatever else prints goes to stderr
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server.start_io(stdout=out)
    return 0 if server.leaving else 1
