"""What a text that cannot be parsed seems to hold, and of which group."""

import pytest

from meshlint.check.unread import told
from meshlint.read.file import read_text
from meshlint.read.guess import guess_groups, guess_kinds, said

ISTIO, API = "networking.istio.io", "gateway.networking.k8s.io"


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        (f"{{{{ if x }}}}\napiVersion: {ISTIO}/v1\nkind: Gateway\n", (f"{ISTIO}/Gateway",)),
        (f"kind: 'Gateway'\n{{{{ if x }}}}\napiVersion: \"{API}/v1\"\n", (f"{API}/Gateway",)),
        (f"items:\n- apiVersion: {API}/v1\n  kind: Gateway\n- apiVersion: {ISTIO}/v1\n  kind: VirtualService\n", ()),
        (f"  - apiVersion: {API}/v1\n    kind: Gateway\n---\nkind: VirtualService\n", (f"{API}/Gateway",)),
        (f"apiVersion: {API}/v1\nkind: Gateway\n---\nkind: Gateway\napiVersion: {ISTIO}/v1\n", (f"{API}/Gateway", f"{ISTIO}/Gateway")),
        ("apiVersion: {{ include 'api' . }}\nkind: Gateway\n", ()),
        ("apiVersion: v1\nkind: Service\n", ()),
        ("apiVersion: serving.knative.dev/v1\nkind: Service\n", ("serving.knative.dev/Service",)),
        (f"apiVersion: {API}/v1\nkind: HTTPRoute\nspec:\n  parentRefs:\n  - kind: Gateway\n", ()),
        (f"{{{{ if a }}}}\napiVersion: {API}/v1\n{{{{ else }}}}\napiVersion: {ISTIO}/v1\n{{{{ end }}}}\nkind: Gateway\n", ()),
    ],
)
def test_the_group_of_a_kind_that_several_groups_have(text: str, groups: tuple[str, ...]) -> None:
    assert guess_groups(text) == groups


def test_a_message_names_the_group_in_place_of_the_name_alone() -> None:
    assert said(["VirtualService", "Gateway", f"{ISTIO}/Gateway"]) == f"Gateway ({ISTIO}), VirtualService"


def test_one_template_and_a_folder_of_them_name_it() -> None:
    files = [
        read_text(f"{{{{ if x }}}}\napiVersion: {group}/v1\nkind: Gateway\n", f"chart/templates/{name}.yaml")
        for name, group in (("a", ISTIO), ("b", API))
    ]
    assert [guess_kinds("kind: Gateway\n"), *(file.skipped_kinds for file in files)] == [("Gateway",)] * 3
    assert f"it seems to hold Gateway ({ISTIO})" in files[0].troubles[0].message
    (folder,) = told([trouble for file in files for trouble in file.troubles], {file.path for file in files})
    assert folder.message.endswith(f"they seem to hold Gateway ({API}), Gateway ({ISTIO})")
