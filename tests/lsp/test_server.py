"""The language server as an editor sees it: started as a process, spoken to in its protocol."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pytest_lsp", reason="the extra lsp is not installed")
pytest.importorskip("pygls.lsp.server", reason="the extra lsp is not installed")

import pytest_lsp
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import ClientServerConfig, LanguageClient

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "meshlint", "lsp", "--no-cache", "--render", "never"]
UNUSED = "# meshlint: ignore[vs-retries]\n"
TRAFFIC, SERVICE, CATALOG = "reviews/traffic.yaml", "reviews/reviews.yaml", "catalog/catalog.yaml"
NAMESPACES = "namespaces/namespaces.yaml"
V3 = "  - name: v3\n    labels:\n      version: v3\n"  # the subset in it that nobody uses


def capabilities(encoding: str | None = None) -> types.ClientCapabilities:
    return types.ClientCapabilities(
        general=None if encoding is None else types.GeneralClientCapabilities(position_encodings=[encoding]),
        window=types.WindowClientCapabilities(work_done_progress=True),
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

    async def start(self, *folders: Path, encoding: str | None = None) -> types.InitializeResult:
        where = [types.WorkspaceFolder(folder.as_uri(), folder.name) for folder in folders or (self.root,)]
        params = types.InitializeParams(capabilities=capabilities(encoding), workspace_folders=where, process_id=os.getpid())
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

    async def until(self, holds: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, {uri: [one.code for one in found] for uri, found in self.client.diagnostics.items()}
            await asyncio.sleep(0.02)

    async def until_linted(self) -> None:
        await self.until(lambda: any(isinstance(one, types.WorkDoneProgressEnd) for said in self.client.progress_reports.values() for one in said))

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


@pytest_lsp.fixture(config=ClientServerConfig(server_command=COMMAND, server_env={**os.environ, "PYTHONPATH": str(ROOT)}))
async def client(lsp_client: LanguageClient) -> AsyncIterator[None]:
    @lsp_client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def register(_params: types.RegistrationParams) -> None:
        return None

    yield
    await asyncio.wait_for(lsp_client.shutdown_session(), 20)


@pytest.fixture
def editor(client: LanguageClient, tmp_path: Path) -> Editor:
    shutil.copytree(ROOT / "examples" / "bookshop", tmp_path / "shop")
    (tmp_path / "shop" / "meshlint.toml").write_text('target = "istio=1.28"\n')
    return Editor(client, tmp_path.resolve() / "shop")


@pytest.fixture(autouse=True)
def nothing_went_wrong(client: LanguageClient) -> Iterator[None]:
    """The server said of nothing that it failed."""
    yield
    assert [one.message for one in client.log_messages if one.type is types.MessageType.Error] == []


pytestmark = pytest.mark.asyncio


async def test_the_whole_workspace_on_open(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    assert editor.codes(TRAFFIC) == [
        "dr-subset-traffic-policy", "dr-without-waypoint", "subset-unused", "vs-mesh-without-waypoint", "vs-subset-destination",
        "vs-subset-destination",
    ]  # fmt: skip
    assert editor.codes("orders/faults.yaml")
    kinds = [type(one) for said in editor.client.progress_reports.values() for one in said]
    assert kinds[0] is types.WorkDoneProgressBegin and kinds[-1] is types.WorkDoneProgressEnd


async def test_what_a_diagnostic_holds(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    one = next(one for one in editor.shown(TRAFFIC) if one.code == "subset-unused")
    assert one.severity is types.DiagnosticSeverity.Information
    assert one.tags == (types.DiagnosticTag.Unnecessary,) or one.tags == [types.DiagnosticTag.Unnecessary]
    assert one.code_description is not None and one.code_description.href.endswith("/docs/rules/subset-unused.md")
    assert one.source == "meshlint"
    both = next(one for one in editor.shown("catalog/routes.yaml") if one.code == "vs-and-httproute-same-host")
    assert both.severity is types.DiagnosticSeverity.Error
    assert both.related_information
    assert both.related_information[0].location.uri == editor.uri("catalog/routes.yaml")


async def test_typing_changes_the_document_and_those_that_hang_on_it(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    editor.open(NAMESPACES)
    before = editor.codes(TRAFFIC)
    editor.type(NAMESPACES, editor.text(NAMESPACES).replace("istio-injection: enabled", "istio-injection: disabled"))
    await editor.until(lambda: not editor.codes(NAMESPACES) and editor.codes(TRAFFIC) != before)
    editor.type(NAMESPACES, editor.text(NAMESPACES))
    await editor.until(lambda: editor.codes(TRAFFIC) == before)


async def test_text_that_does_not_parse_is_said_where_it_stands(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    editor.open(SERVICE)
    before = editor.codes(TRAFFIC)
    editor.type(SERVICE, editor.text(SERVICE) + "\n  x: [\n")
    await editor.until(lambda: editor.codes(SERVICE) == ["yaml-syntax"])
    assert editor.codes(TRAFFIC) == before
    editor.type(SERVICE, editor.text(SERVICE))
    await editor.until(lambda: "yaml-syntax" not in editor.codes(SERVICE))


async def test_a_closed_document_counts_as_it_is_on_disk(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    editor.open(TRAFFIC)
    editor.type(TRAFFIC, "# nothing\n")
    await editor.until(lambda: not editor.shown(TRAFFIC))
    editor.close(TRAFFIC)
    await editor.until(lambda: len(editor.shown(TRAFFIC)) == 6)


async def test_files_that_change_on_disk(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    (editor.root / TRAFFIC).unlink()
    (editor.root / "new.yaml").write_text(UNUSED + "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {istio-injection: enabled}}\n")
    events = [types.FileEvent(editor.uri(TRAFFIC), types.FileChangeType.Deleted), types.FileEvent(editor.uri("new.yaml"), types.FileChangeType.Created)]
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(events))
    await editor.until(lambda: not editor.shown(TRAFFIC) and editor.codes("new.yaml") == ["sidecar-injection", "unused-suppression"])


async def test_the_configuration_is_read_again(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    (editor.root / "meshlint.toml").write_text('select = ["subset-unused"]\n')
    editor.client.workspace_did_change_watched_files(
        types.DidChangeWatchedFilesParams([types.FileEvent(editor.uri("meshlint.toml"), types.FileChangeType.Changed)])
    )
    await editor.until(lambda: editor.codes(TRAFFIC) == ["subset-unused"] and not editor.codes("orders/faults.yaml"))
    (editor.root / "meshlint.toml").write_text("select = [\n")
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"meshlint": {"debounce": 5}}))
    await editor.until(lambda: any("meshlint.toml" in one.message for one in editor.client.messages))
    assert editor.codes(TRAFFIC) == ["subset-unused"]  # what was known stays


async def test_quick_fix_fix_all_and_suppression(editor: Editor) -> None:
    await editor.start(encoding="utf-32")
    await editor.until_linted()
    editor.open(TRAFFIC, UNUSED + editor.text(TRAFFIC))
    await editor.until(lambda: "unused-suppression" in editor.codes(TRAFFIC))
    text = UNUSED + editor.text(TRAFFIC)
    found = {one.title: one for one in await editor.actions(TRAFFIC, 0)}
    fix = found["Remove the comment"]
    assert fix.is_preferred and fix.kind == types.CodeActionKind.QuickFix
    assert fix.diagnostics is not None and fix.diagnostics[0].code == "unused-suppression"
    assert changed(text, fix) == editor.text(TRAFFIC)
    (all_of_them,) = await editor.actions(TRAFFIC, 50, only=["source.fixAll"])
    assert all_of_them.kind == "source.fixAll.meshlint"
    assert changed(text, all_of_them) == editor.text(TRAFFIC).replace(V3, ""), "the comment and the subset that nobody uses"
    line = next(number for number, line in enumerate(text.splitlines()) if "name: v3" in line)
    titles = [one.title for one in await editor.actions(TRAFFIC, line, only=[types.CodeActionKind.QuickFix])]
    assert "Suppress subset-unused with a comment" in titles
    suppress = next(one for one in await editor.actions(TRAFFIC, line) if one.title.startswith("Suppress subset-unused"))
    editor.type(TRAFFIC, changed(text, suppress))
    await editor.until(lambda: "subset-unused" not in editor.codes(TRAFFIC))


async def test_a_fix_that_needs_a_look_is_not_preferred(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    editor.open(CATALOG)
    (found,) = [one for one in editor.shown(CATALOG) if one.code == "ingress-bypasses-waypoint"]
    fix, suppress = await editor.actions(CATALOG, found.range.start.line)
    assert fix.title == "Let ingress traffic take the waypoint" and suppress.title == "Suppress ingress-bypasses-waypoint with a comment"
    assert not fix.is_preferred and not suppress.is_preferred
    assert await editor.actions(CATALOG, found.range.start.line, only=["source.fixAll.meshlint"]) == []


async def test_the_command_that_fixes_all_applies_it(editor: Editor) -> None:
    applied: list[types.ApplyWorkspaceEditParams] = []

    @editor.client.feature(types.WORKSPACE_APPLY_EDIT)
    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        applied.append(params)
        return types.ApplyWorkspaceEditResult(applied=True)

    await editor.start()
    await editor.until_linted()
    editor.open(TRAFFIC, UNUSED + editor.text(TRAFFIC))
    await editor.until(lambda: "unused-suppression" in editor.codes(TRAFFIC))
    params = types.ExecuteCommandParams("meshlint.fixAll", [editor.uri(TRAFFIC)])
    assert await editor.client.workspace_execute_command_async(params) is True
    assert len(applied) == 1


async def hover(editor: Editor, path: str, at: types.Position) -> str:
    found = await editor.client.text_document_hover_async(types.HoverParams(editor.document(path), at))
    if found is None:
        return ""
    assert isinstance(found.contents, types.MarkupContent)
    return found.contents.value


async def test_hover(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    for path in (TRAFFIC, CATALOG, "ingress/shop.yaml"):
        editor.open(path)
    host = await hover(editor, TRAFFIC, editor.at(TRAFFIC, "host: reviews"))
    assert "`reviews.reviews.svc.cluster.local`" in host and "Service `reviews/reviews` (reviews/reviews.yaml:" in host
    assert "now sidecar, after the move ambient" in host and "waypoint: none" in host and "selects `app=reviews`" in host
    subset = await hover(editor, TRAFFIC, editor.at(TRAFFIC, "subset: v1"))
    assert "**subset** `v1`" in subset and "`version=v1`" in subset
    assert "# vs-subset-destination" in subset, "the page of the rule that speaks of this place"
    waypoint = await hover(editor, CATALOG, editor.at(CATALOG, "use-waypoint: waypoint"))
    assert "waypoint `catalog/waypoint`: ok" in waypoint
    parent = await hover(editor, "ingress/shop.yaml", editor.at("ingress/shop.yaml", "namespace: ingress", 1))
    assert "**parent** Gateway `ingress/shop`" in parent
    assert await hover(editor, TRAFFIC, types.Position(0, 3)) == ""


async def places(editor: Editor, path: str, at: types.Position) -> list[tuple[str, str]]:
    found = await editor.client.text_document_definition_async(types.DefinitionParams(editor.document(path), at))
    return _marked(editor, found)


def _marked(editor: Editor, found: Any) -> list[tuple[str, str]]:
    """Files, and the text that is marked in them."""
    out = []
    for one in found or ():
        path = Path(one.uri.removeprefix("file://")).relative_to(editor.root).as_posix()
        line = editor.text(path).splitlines()[one.range.start.line]
        out.append((path, line[one.range.start.character : one.range.end.character]))
    return out


async def test_definition(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    for path in (TRAFFIC, CATALOG, "ingress/shop.yaml", "catalog/routes.yaml"):
        editor.open(path)
    assert await places(editor, TRAFFIC, editor.at(TRAFFIC, "host: reviews", 1)) == [(SERVICE, "reviews")]
    assert await places(editor, TRAFFIC, editor.at(TRAFFIC, "subset: v2")) == [(TRAFFIC, "v2")]
    assert await places(editor, CATALOG, editor.at(CATALOG, "use-waypoint: waypoint")) == [(CATALOG, "waypoint")]
    assert await places(editor, "ingress/shop.yaml", editor.at("ingress/shop.yaml", "namespace: ingress", 1)) == [("ingress/shop.yaml", "shop")]
    assert await places(editor, TRAFFIC, types.Position(0, 3)) == []


async def test_references(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    editor.open(SERVICE)
    editor.open(TRAFFIC)
    context = types.ReferenceContext(include_declaration=True)

    async def of(path: str, at: types.Position) -> list[tuple[str, str]]:
        return _marked(editor, await editor.client.text_document_references_async(types.ReferenceParams(context, editor.document(path), at)))

    users = await of(SERVICE, editor.at(SERVICE, "name: reviews"))
    assert (SERVICE, "reviews") in users and (TRAFFIC, "reviews") in users and len(users) > 3
    assert await of(TRAFFIC, editor.at(TRAFFIC, "name: v2")) == [(TRAFFIC, "v2"), (TRAFFIC, "v2")]


async def test_links_to_the_pages_of_rules(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    editor.open(TRAFFIC, "# meshlint: ignore-file[subset-unused, ML101, nonsense] known\n" + editor.text(TRAFFIC))
    params = types.DocumentLinkParams(editor.document(TRAFFIC))
    found = await editor.client.text_document_document_link_async(params)
    assert [(one.target or "").rpartition("/")[2] for one in found or ()] == ["subset-unused.md", "vs-subset-destination.md"]
    assert [one.range.start.character for one in found or ()] == [24, 39]


@pytest.mark.parametrize(("encoding", "start"), [("utf-8", 25), ("utf-16", 23), ("utf-32", 22)])
async def test_columns_are_counted_as_the_editor_counts(editor: Editor, encoding: str, start: int) -> None:
    said = await editor.start(encoding=encoding)
    assert said.capabilities.position_encoding == encoding
    await editor.until_linted()
    text = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {x: "😀", istio-injection: enabled}}\n'
    (editor.root / "wide.yaml").write_text(text, encoding="utf-8")
    editor.open("wide.yaml")
    await editor.until(lambda: editor.codes("wide.yaml") == ["sidecar-injection"])
    (one,) = editor.shown("wide.yaml")
    before = text.splitlines()[2].partition("enabled")[0]
    wanted = {"utf-8": len(before.encode()), "utf-16": len(before.encode("utf-16-le")) // 2, "utf-32": len(before)}[encoding]
    assert one.range.start == types.Position(2, wanted)
    assert wanted - start == len('metadata: {name: a, labels: {x: "😀", istio-injection: ') - 22


async def test_several_folders(editor: Editor, tmp_path: Path) -> None:
    other = tmp_path.resolve() / "other"
    other.mkdir()
    (other / "meshlint.toml").write_text('ignore = ["unused-suppression"]\n')
    (other / "a.yaml").write_text(UNUSED + "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {istio-injection: enabled}}\n")
    await editor.start(editor.root, other)
    address = (other / "a.yaml").as_uri()
    await editor.until(lambda: bool(editor.shown(TRAFFIC)) and [one.code for one in editor.client.diagnostics.get(address, ())] == ["sidecar-injection"])
    gone = types.WorkspaceFoldersChangeEvent([], [types.WorkspaceFolder(other.as_uri(), "other")])
    editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(gone))
    await editor.until(lambda: not editor.client.diagnostics[address])


async def test_a_request_that_is_cancelled_leaves_the_server_well(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    editor.open(TRAFFIC)
    params = types.HoverParams(editor.document(TRAFFIC), editor.at(TRAFFIC, "host: reviews"))
    for number in range(20):
        asked = editor.client.protocol.send_request(types.TEXT_DOCUMENT_HOVER, params, msg_id=f"hover-{number}")
        editor.client.cancel_request(types.CancelParams(id=f"hover-{number}"))
        try:  # the server may be done before it is told
            assert isinstance(await asyncio.wait_for(asyncio.wrap_future(asked), 60), types.Hover)
        except JsonRpcException as error:
            assert error.code == types.LSPErrorCodes.RequestCancelled
    editor.client.cancel_request(types.CancelParams(id="never asked"))
    assert await hover(editor, TRAFFIC, editor.at(TRAFFIC, "host: reviews"))


async def test_documents_that_are_not_ours_or_not_there(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    for uri in ("untitled:Untitled-1", "file:///nowhere/a.yaml", editor.uri("README.md"), "git:/a.yaml?x"):
        item = types.TextDocumentItem(uri, "yaml", 1, "a: [")
        editor.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        params = types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(7, 7))
        assert await editor.client.text_document_hover_async(params) is None
        editor.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
    editor.open("unsaved.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {istio-injection: enabled}}\n")
    await editor.until(lambda: editor.codes("unsaved.yaml") == ["sidecar-injection"])
