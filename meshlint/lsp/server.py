"""`meshlint lsp`: a language server on stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from meshlint import __version__
from meshlint.check.registry import Registry
from meshlint.config import Config, ConfigError
from meshlint.lsp.edits import Editing
from meshlint.lsp.features import Document
from meshlint.lsp.root import Root
from meshlint.model.file_names import HELM_IGNORE
from meshlint.model.target import TargetError
from meshlint.plugins import registry_of
from meshlint.project import MissingPathError, project

_DELAY = 0.05  # seconds without a key, until what was typed counts
CONFIGURATIONS = ("meshlint.toml", "pyproject.toml")
WATCHED = ("**/*.{yaml,yml,json,tpl,gotmpl}", *(f"**/{name}" for name in (*CONFIGURATIONS, "Kustomization", HELM_IGNORE)))
ENDINGS = (".yaml", ".yml", ".json")

Configure = Callable[[str], Config]  # the configuration that holds for a folder or file


class Server(LanguageServer):
    """The projects of a workspace. `configure` reads the configuration of a folder, with what the command line says on top."""

    def __init__(self, configure: Configure) -> None:
        super().__init__("meshlint", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.configure = configure
        self.delay = _DELAY
        self.leaving = False  # the editor said that it is done
        self.roots: dict[str, Root] = {}
        self._places: dict[str, tuple[Root, str] | None] = {}  # of documents, until files or projects come or go
        self._shown: dict[str, list[types.Diagnostic]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._tokens = 0

    # places
    @property
    def encoding(self) -> str:
        said = self.workspace.position_encoding
        return said.value if isinstance(said, types.PositionEncodingKind) else str(said or "utf-16")

    @property
    def tooltips(self) -> bool:
        """Does the editor show what is said beside a link?"""
        can = self.client_capabilities.text_document
        return bool(can is not None and can.document_link is not None and can.document_link.tooltip_support)

    @property
    def markup(self) -> types.MarkupKind:
        """How the editor wants texts; markdown can be read as it stands, too."""
        can = self.client_capabilities.text_document
        wanted = can.hover.content_format if can is not None and can.hover is not None else None
        return types.MarkupKind.PlainText if wanted and types.MarkupKind.Markdown not in wanted else types.MarkupKind.Markdown

    def root_of(self, uri: str) -> tuple[Root, str] | None:
        """The project that a document belongs to, and its path there."""
        if uri not in self._places:
            self._places[uri] = self._place(uri)
        return self._places[uri]

    def _place(self, uri: str) -> tuple[Root, str] | None:
        full = uris.to_fs_path(uri)
        holding = [root for root in self.roots.values() if root.holds(full)] if full is not None else []
        if full is None or not holding:
            return None
        root = max(holding, key=lambda one: len(one.project.root))
        return root, root.path_of(full)

    def forget(self, uri: str) -> None:
        """A document was closed: what its address stands for is looked up again when it is opened."""
        self._places.pop(uri, None)

    def uri_of(self, root: Root) -> Callable[[str], str]:
        """Addresses of files, of open documents as the editor writes them."""
        written = {found[1]: uri for uri in self.workspace.text_documents if (found := self.root_of(uri)) and found[0] is root}
        return lambda path: written.get(path) or uris.from_fs_path(root.full(path)) or path

    def document(self, uri: str) -> Document | None:
        """An open document with all that was typed so far taken in; None while its project is being read."""
        found = self.root_of(uri)
        if found is None or found[0].session is None:
            return None
        root, path = found
        root.catch_up()
        return Document(root.session, path, self.uri_of(root), self.encoding) if root.session is not None else None

    def of_ours(self, uri: str) -> tuple[Root, str] | None:
        """The same for documents that meshlint reads."""
        return self.root_of(uri) if uri.lower().endswith(ENDINGS) else None

    def text(self, uri: str) -> str:
        return self.workspace.get_text_document(uri).source

    def editing(self, document: Document) -> Editing:
        can = self.client_capabilities.workspace
        edits = can.workspace_edit if can is not None else None
        creates = types.ResourceOperationKind.Create in (edits.resource_operations or ()) if edits is not None else False
        versions = {found[1]: text.version for uri, text in self.workspace.text_documents.items() if (found := self.root_of(uri))}
        return Editing(
            document.lines, document.uri, self.encoding, versions, bool(edits and edits.document_changes), creates
        )  # fmt: skip

    # projects
    def start(self, folders: Iterable[str]) -> None:
        for folder in folders:
            self.spawn(self.load(folder))

    def opened(self, uri: str) -> None:
        """A document of no project of the workspace has its own: that of its boundary, else itself alone."""
        found, full = self.of_ours(uri), uris.to_fs_path(uri)
        if found is not None:
            found[0].opened(found[1], self.text(uri))
        elif full is not None and uri.lower().endswith(ENDINGS) and not self._within(full) and os.path.lexists(full):
            self.start([full])

    def _within(self, full: str) -> bool:
        folders = [path for uri in self.workspace.folders if (path := uris.to_fs_path(uri))]
        return any(os.path.realpath(full).startswith(os.path.realpath(folder).rstrip(os.sep) + os.sep) for folder in folders)

    def leave(self, folder: str) -> None:
        """A folder left the workspace."""
        root = self.roots.pop(folder, None)
        self._places.clear()
        if root is not None:
            self._forget(root, None)

    def files_changed(self, paths: list[str]) -> None:
        """Files changed on disk, came or went."""
        self._places.clear()
        if any(os.path.basename(path) in CONFIGURATIONS for path in paths):
            self.reload()
            return
        for root in self.roots.values():
            if inside := [root.path_of(path) for path in paths if root.holds(path)]:
                root.reread(inside)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except (ConfigError, TargetError, MissingPathError) as error:
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"meshlint: {error}"))
        except JsonRpcException as error:
            self.window_log_message(types.LogMessageParams(types.MessageType.Warning, f"meshlint: the editor refused: {error}"))
        except Exception as error:
            self.failed("a project", error)

    def failed(self, what: str, error: BaseException) -> None:
        """Something went wrong that must not: say it, and go on."""
        text = f"meshlint: {what} failed: {error!r}\n{''.join(traceback.format_exception(error))}"
        print(text, file=sys.stderr, flush=True)
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, text))

    async def load(self, folder: str) -> None:
        """Read a project anew: its configuration, its files, its findings."""
        config = self.configure(folder)
        registry: Registry = registry_of(config)
        root = Root(project([folder]), config, registry, self.publish, self.failed)
        for uri, document in self.workspace.text_documents.items():
            full = uris.to_fs_path(uri)
            if full is not None and root.holds(full) and full.endswith(ENDINGS):
                root.open[root.path_of(full)] = document.source
        old = self.roots.get(folder)
        self.roots[folder] = root
        self._places.clear()
        token = await self._begin(f"Reading {os.path.basename(folder)}")
        loop = asyncio.get_running_loop()

        def advance(what: str, done: int, total: int) -> None:
            if token is not None and done % 100 == 0:
                loop.call_soon_threadsafe(self._report, token, f"{done} of {total} {what}", 100 * done // max(total, 1))

        async def told(what: str) -> None:
            if token is not None:
                self._report(token, what, None)

        try:
            await root.load(advance, told)
            await root.settled.wait()
        finally:
            if token is not None:
                self.work_done_progress.end(token, types.WorkDoneProgressEnd(message="done"))
        if old is not None:
            self._forget(old, root)

    def _forget(self, old: Root, new: Root | None) -> None:
        """Take back what was said of files that nobody speaks of any more."""
        still = set() if new is None or new.session is None else {*new.session.findings}
        uri = self.uri_of(old)
        for path in () if old.session is None else [path for path in old.session.findings if path not in still]:
            self._show(uri(path), [])

    async def _begin(self, title: str) -> str | None:
        window = self.client_capabilities.window
        if window is None or not window.work_done_progress:
            return None
        self._tokens += 1
        token = f"meshlint-{self._tokens}"
        await self.work_done_progress.create_async(token)
        self.work_done_progress.begin(token, types.WorkDoneProgressBegin(title=title, percentage=0, cancellable=False))
        return token

    def _report(self, token: str, message: str, percentage: int | None) -> None:
        self.work_done_progress.report(token, types.WorkDoneProgressReport(message=message, percentage=percentage))

    # diagnostics
    def publish(self, root: Root, paths: Iterable[str]) -> None:
        if root.session is None or root not in self.roots.values():
            return
        uri = self.uri_of(root)
        for path in paths:
            document = Document(root.session, path, uri, self.encoding)
            self._show(uri(path), document.diagnostics())

    def _show(self, uri: str, found: list[types.Diagnostic]) -> None:
        if self._shown.get(uri, []) != found:
            self._shown[uri] = found
            held = self.workspace.text_documents.get(uri)
            version = None if held is None else held.version
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    def reload(self) -> None:
        """Read everything anew: a configuration changed."""
        self.start(list(self.roots))

    def configured(self) -> None:
        """The editor's settings changed, or are told for the first time: read anew what is configured otherwise by now."""
        self.start([folder for folder, root in self.roots.items() if self._differs(folder, root)])

    def _differs(self, folder: str, root: Root) -> bool:
        try:
            return self.configure(folder) != root.config
        except (ConfigError, TargetError):
            return True  # whoever reads it says what is wrong
