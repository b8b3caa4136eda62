"""The language server as an editor sees it: started as a process, spoken to in its protocol."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("pytest_lsp", reason="the extra lsp is not installed")
pytest.importorskip("pygls.lsp.server", reason="the extra lsp is not installed")

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.lsp.editor import CATALOG, INJECTED, NAMESPACES, SERVICE, TRAFFIC, UNUSED, V3, Editor, changed, hover

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
    (editor.root / "new.yaml").write_text(UNUSED + INJECTED)
    gone, new = types.FileChangeType.Deleted, types.FileChangeType.Created
    events = [types.FileEvent(editor.uri(TRAFFIC), gone), types.FileEvent(editor.uri("new.yaml"), new)]
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
    begun = len(editor.client.progress_reports)
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"meshlint": {"debounce": 5}}))
    editor.open(TRAFFIC)
    assert await hover(editor, TRAFFIC, editor.at(TRAFFIC, "host: reviews"))
    assert len(editor.client.progress_reports) == begun, "nothing is configured otherwise, so nothing is read again"
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


async def test_saving_makes_what_does_not_parse_count_for_others(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    editor.open(CATALOG)
    assert "route-without-waypoint" not in editor.codes("catalog/routes.yaml")
    editor.type(CATALOG, "a: [\n")
    await editor.until(lambda: editor.codes(CATALOG) == ["yaml-syntax"])
    assert "route-without-waypoint" not in editor.codes("catalog/routes.yaml")
    editor.save(CATALOG)
    await editor.until(lambda: "route-without-waypoint" in editor.codes("catalog/routes.yaml"))


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
    (other / "a.yaml").write_text(UNUSED + INJECTED)
    await editor.start(editor.root, other)
    address = (other / "a.yaml").as_uri()
    said = editor.client.diagnostics
    await editor.until(lambda: bool(editor.shown(TRAFFIC)) and [one.code for one in said.get(address, ())] == ["sidecar-injection"])
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
    editor.open("unsaved.yaml", INJECTED)
    await editor.until(lambda: editor.codes("unsaved.yaml") == ["sidecar-injection"])
