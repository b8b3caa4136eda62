"""An editor as the tests use it: a client that has started the server as a process, and speaks its protocol."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from pygls.client import JsonRPCClient
from pytest_lsp import ClientServerConfig, LanguageClient

from tests.lsp import forking

ROOT = Path(__file__).parent.parent.parent
UNUSED = "# meshlint: ignore[vs-retries]\n"
INJECTED = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {istio-injection: enabled}}\n"
TRAFFIC, SERVICE, CATALOG = "reviews/traffic.yaml", "reviews/reviews.yaml", "catalog/catalog.yaml"
NAMESPACES = "namespaces/namespaces.yaml"
V3 = "  - name: v3\n    labels:\n      version: v3\n"  # the subset in it that nobody uses


def capabilities(encoding: str | None = None, markup: types.MarkupKind | None = None) -> types.ClientCapabilities:
    return types.ClientCapabilities(
        general=None if encoding is None else types.GeneralClientCapabilities(position_encodings=[encoding]),
        window=types.WindowClientCapabilities(work_done_progress=True),
        text_document=types.TextDocumentClientCapabilities(
            document_link=types.DocumentLinkClientCapabilities(tooltip_support=True),
            hover=types.HoverClientCapabilities(content_format=[markup]) if markup is not None else None,
        ),
        workspace=types.WorkspaceClientCapabilities(
            workspace_edit=types.WorkspaceEditClientCapabilities(
                document_changes=True, resource_operations=[types.ResourceOperationKind.Create]
            ),
            workspace_folders=True,
            did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
            apply_edit=True,
        ),
    )


class Editor:
    """What a test does, as an editor would."""

    def __init__(self, client: LanguageClient, root: Path) -> None:
        self.client = client
        self.root = root
        self.versions: dict[str, int] = {}

    def uri(self, path: str) -> str:
        return (self.root / path).as_uri()

    def text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    async def start(
        self, *folders: Path, encoding: str | None = None, markup: types.MarkupKind | None = None
    ) -> types.InitializeResult:
        where = [types.WorkspaceFolder(folder.as_uri(), folder.name) for folder in folders or (self.root,)]
        params = types.InitializeParams(capabilities=capabilities(encoding, markup), workspace_folders=where, process_id=os.getpid())
        return await self.client.initialize_session(params)

    def open(self, path: str, text: str | None = None) -> None:
        self.versions[path] = 1
        item = types.TextDocumentItem(self.uri(path), "yaml", 1, self.text(path) if text is None else text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def type(self, path: str, text: str) -> None:
        self.versions[path] += 1
        which = types.VersionedTextDocumentIdentifier(self.versions[path], self.uri(path))
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(which, [change]))

    def save(self, path: str) -> None:
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(self.document(path)))

    def close(self, path: str) -> None:
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(self.document(path)))

    def document(self, path: str) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri(path))

    def shown(self, path: str) -> list[types.Diagnostic]:
        return list(self.client.diagnostics.get(self.uri(path), ()))

    def codes(self, path: str) -> list[object]:
        return sorted(str(one.code) for one in self.shown(path))

    async def until(self, holds: Callable[[], bool], seconds: float = 150) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, {uri: [one.code for one in found] for uri, found in self.client.diagnostics.items()}
            await asyncio.sleep(0.02)

    async def until_linted(self) -> None:
        said = self.client.progress_reports
        await self.until(lambda: any(isinstance(one, types.WorkDoneProgressEnd) for reports in said.values() for one in reports))

    def at(self, path: str, word: str, number: int = 0) -> types.Position:
        """The middle of a word, by the line that holds it."""
        lines = [(line, text) for line, text in enumerate(self.text(path).splitlines()) if word in text]
        line, text = lines[number]
        return types.Position(line, text.index(word) + len(word) - 1)

    async def actions(self, path: str, line: int, only: list[Any] | None = None) -> list[types.CodeAction]:
        where = types.Range(types.Position(line, 0), types.Position(line, 200))
        context = types.CodeActionContext([], only=only)
        found = await self.client.text_document_code_action_async(types.CodeActionParams(self.document(path), where, context))
        return [one for one in found or () if isinstance(one, types.CodeAction)]


def changed(text: str, action: types.CodeAction) -> str:
    """A text with the changes that an action makes to its one document; columns are counted in code points."""
    assert action.edit is not None and action.edit.document_changes is not None
    edits = [edit for change in action.edit.document_changes if isinstance(change, types.TextDocumentEdit) for edit in change.edits]
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for edit in sorted(edits, key=lambda edit: (edit.range.start.line, edit.range.start.character), reverse=True):
        assert isinstance(edit, types.TextEdit)
        first, last = (starts[at.line] + at.character for at in (edit.range.start, edit.range.end))
        text = text[:first] + edit.new_text + text[last:]
    return text


async def hover(editor: Editor, path: str, at: types.Position) -> str:
    found = await editor.client.text_document_hover_async(types.HoverParams(editor.document(path), at))
    if found is None:
        return ""
    assert isinstance(found.contents, types.MarkupContent)
    return found.contents.value


class Forked(ClientServerConfig):
    async def start(self, devtools: str | None = None) -> JsonRPCClient:
        self.server_command = forking.command()
        return await super().start(devtools)


@pytest_lsp.fixture(config=Forked([]))
async def client(lsp_client: LanguageClient) -> AsyncIterator[None]:
    @lsp_client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def register(_params: types.RegistrationParams) -> None:
        return None

    yield
    await asyncio.wait_for(lsp_client.shutdown_session(), 100)


@pytest.fixture
def editor(client: LanguageClient, tmp_path: Path) -> Iterator[Editor]:
    shutil.copytree(ROOT / "examples" / "bookshop", tmp_path / "shop")
    (tmp_path / "shop" / "meshlint.toml").write_text('target = "istio=1.28"\n')
    yield Editor(client, tmp_path.resolve() / "shop")
    failed = [one.message for one in client.log_messages if one.type is types.MessageType.Error]
    assert failed == [], "the server said of something that it failed"
