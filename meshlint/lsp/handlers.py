"""Which message does what."""

from __future__ import annotations

import os
from typing import Any

from lsprotocol import types
from pygls import uris

from meshlint.lsp.features import FIX_ALL, Document
from meshlint.lsp.server import CONFIGURATIONS, WATCHED, Server

FIX_ALL_COMMAND, RELOAD_COMMAND = "meshlint.fixAll", "meshlint.reload"


def register(server: Server) -> None:
    """Say what the server can do."""
    _workspace(server)
    _documents(server)
    _questions(server)
    _commands(server)


def _workspace(server: Server) -> None:
    @server.feature(types.INITIALIZED)
    async def initialized(_params: types.InitializedParams) -> None:
        server.start(_folders(server))
        can = server.client_capabilities.workspace
        watched = can.did_change_watched_files if can is not None else None
        if watched is not None and watched.dynamic_registration:
            watchers = [types.FileSystemWatcher(pattern) for pattern in WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            wanted = types.Registration("meshlint-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            server.spawn(server.client_register_capability_async(types.RegistrationParams([wanted])))

    @server.feature(types.SHUTDOWN)
    async def shutdown(_params: None) -> None:
        server.leaving = True

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        for folder in params.event.removed:
            server.leave(uris.to_fs_path(folder.uri) or "")
        server.start(path for folder in params.event.added if (path := uris.to_fs_path(folder.uri)))

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configuration(params: types.DidChangeConfigurationParams) -> None:
        given: Any = params.settings
        said = given.get("meshlint", given) if isinstance(given, dict) else getattr(given, "meshlint", given)
        delay = said.get("debounce") if isinstance(said, dict) else getattr(said, "debounce", None)
        if isinstance(delay, (int, float)) and 0 <= delay <= 60_000:
            server.delay = delay / 1000
        server.configured()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def watched(params: types.DidChangeWatchedFilesParams) -> None:
        server.files_changed([path for change in params.changes if (path := uris.to_fs_path(change.uri))])


def _folders(server: Server) -> list[str]:
    """The folders of the workspace; without any, those of the open documents."""
    found = [path for uri in server.workspace.folders if (path := uris.to_fs_path(uri))]
    return found or ([server.workspace.root_path] if server.workspace.root_path else [])


def _documents(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.opened(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        found = server.of_ours(params.text_document.uri)
        if found is not None:
            found[0].changed(found[1], server.text(params.text_document.uri), server.delay)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        full = uris.to_fs_path(params.text_document.uri) or ""
        found = server.of_ours(params.text_document.uri)
        if os.path.basename(full) in CONFIGURATIONS:
            server.reload()
        elif found is not None:
            found[0].saved(found[1])

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        found = server.of_ours(params.text_document.uri)
        if found is not None:
            found[0].closed(found[1])
        server.forget(params.text_document.uri)


def _questions(server: Server) -> None:
    kinds: list[types.CodeActionKind | str] = [types.CodeActionKind.QuickFix, FIX_ALL]

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=kinds))
    async def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        document = server.document(params.text_document.uri)
        return [] if document is None else document.actions(params.range, params.context, server.editing(document))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        document = server.document(params.text_document.uri)
        return None if document is None else document.hover(params.position, server.markup)

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: types.DefinitionParams) -> list[types.Location]:
        document = server.document(params.text_document.uri)
        return [] if document is None else document.definition(params.position)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def references(params: types.ReferenceParams) -> list[types.Location]:
        document = server.document(params.text_document.uri)
        return [] if document is None else document.references(params.position, params.context.include_declaration)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_LINK)
    async def links(params: types.DocumentLinkParams) -> list[types.DocumentLink]:
        document = server.document(params.text_document.uri)
        return [] if document is None else list(document.links(server.tooltips))


def _commands(server: Server) -> None:
    @server.command(FIX_ALL_COMMAND)
    async def fix_all(uri: str) -> bool:
        document: Document | None = server.document(uri)
        edit = None if document is None else document.fix_all(server.editing(document))
        if edit is None:
            return False
        done = await server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit, "Make all safe fixes of meshlint"))
        return done.applied

    @server.command(RELOAD_COMMAND)
    async def reload(*_arguments: object) -> None:
        server.reload()
