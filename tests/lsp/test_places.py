"""What stands at a place, as an editor asks for it: hover, definition, references, links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pytest_lsp", reason="the extra lsp is not installed")
pytest.importorskip("pygls.lsp.server", reason="the extra lsp is not installed")

from lsprotocol import types

from tests.lsp.editor import CATALOG, SERVICE, TRAFFIC, Editor, hover

pytestmark = pytest.mark.asyncio


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


async def test_an_editor_without_markdown_gets_plain_text(editor: Editor) -> None:
    await editor.start(markup=types.MarkupKind.PlainText)
    await editor.until_linted()
    editor.open(TRAFFIC)
    params = types.HoverParams(editor.document(TRAFFIC), editor.at(TRAFFIC, "host: reviews"))
    found = await editor.client.text_document_hover_async(params)
    assert found is not None and isinstance(found.contents, types.MarkupContent)
    assert found.contents.kind == types.MarkupKind.PlainText


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
    parent = editor.at("ingress/shop.yaml", "namespace: ingress", 1)
    assert await places(editor, "ingress/shop.yaml", parent) == [("ingress/shop.yaml", "shop")]
    assert await places(editor, TRAFFIC, types.Position(0, 3)) == []


async def test_references(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    editor.open(SERVICE)
    editor.open(TRAFFIC)
    context = types.ReferenceContext(include_declaration=True)

    async def of(path: str, at: types.Position) -> list[tuple[str, str]]:
        params = types.ReferenceParams(context, editor.document(path), at)
        return _marked(editor, await editor.client.text_document_references_async(params))

    users = await of(SERVICE, editor.at(SERVICE, "name: reviews"))
    assert (SERVICE, "reviews") in users and (TRAFFIC, "reviews") in users and len(users) > 3
    assert await of(TRAFFIC, editor.at(TRAFFIC, "name: v2")) == [(TRAFFIC, "v2"), (TRAFFIC, "v2")]


POLICY = """apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: readers, namespace: catalog}
spec:
  targetRefs:
  - {group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}
  - {group: "", kind: Service, name: catalog}
  - {group: "", kind: Service, name: nowhere}
  rules: [{to: [{operation: {methods: [GET]}}]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: door, namespace: catalog}
spec: {selector: {istio: ingress}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: entrance, namespace: catalog}
spec:
  hosts: [shop.example.com]
  gateways: [door]
  http: [{route: [{destination: {host: catalog}}]}]
"""


async def test_target_refs_gateways_and_backends(editor: Editor) -> None:
    """Hover, definition and references of what policies, VirtualServices and routes name."""
    (editor.root / "catalog/policy.yaml").write_text(POLICY)
    await editor.start()
    await editor.until_linted()
    for path in ("catalog/policy.yaml", "catalog/routes.yaml", CATALOG):
        editor.open(path)
    waypoint, service, nowhere, door, backend = (
        editor.at(path, word)
        for path, word in (
            ("catalog/policy.yaml", "name: waypoint"),
            ("catalog/policy.yaml", "name: catalog"),
            ("catalog/policy.yaml", "name: nowhere"),
            ("catalog/policy.yaml", "gateways: [door"),
            ("catalog/routes.yaml", "- name: catalog"),
        )
    )
    assert await places(editor, "catalog/policy.yaml", waypoint) == [(CATALOG, "waypoint")]
    assert await places(editor, "catalog/policy.yaml", service) == [(CATALOG, "catalog")]
    assert await places(editor, "catalog/policy.yaml", nowhere) == []
    assert await places(editor, "catalog/policy.yaml", door) == [("catalog/policy.yaml", "door")]
    assert await places(editor, "catalog/routes.yaml", backend) == [(CATALOG, "catalog")]
    assert "Gateway `catalog/waypoint`" in await hover(editor, "catalog/policy.yaml", waypoint)
    assert "the repository does not hold it" in await hover(editor, "catalog/policy.yaml", nowhere)
    assert "**gateway** Gateway `catalog/door`" in await hover(editor, "catalog/policy.yaml", door)
    assert "**backend** `catalog.catalog.svc.cluster.local`" in await hover(editor, "catalog/routes.yaml", backend)
    context = types.ReferenceContext(include_declaration=False)
    where = editor.at(CATALOG, "name: waypoint")
    users = await editor.client.text_document_references_async(types.ReferenceParams(context, editor.document(CATALOG), where))
    files = sorted(path for path, _ in _marked(editor, users))
    assert files == [CATALOG, "catalog/policy.yaml"], "the label of the Service, and the policy"


async def test_links_to_the_pages_of_rules(editor: Editor) -> None:
    await editor.start()
    await editor.until_linted()
    editor.open(TRAFFIC, "# meshlint: ignore-file[subset-unused, ML101, nonsense] known\n" + editor.text(TRAFFIC))
    params = types.DocumentLinkParams(editor.document(TRAFFIC))
    found = await editor.client.text_document_document_link_async(params)
    assert [(one.target or "").rpartition("/")[2] for one in found or ()] == ["subset-unused.md", "vs-subset-destination.md"]
    assert [one.range.start.character for one in found or ()] == [24, 39]
    assert [(one.tooltip or "").partition(" ")[2] for one in found or ()] == ["subset-unused", "vs-subset-destination"]
