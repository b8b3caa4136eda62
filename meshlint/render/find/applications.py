"""The applications that an object stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.model.kind import Kind
from meshlint.render.draft import Draft
from meshlint.render.find.application import Application
from meshlint.render.find.repository import Holder

ARGO = frozenset({Kind.ARGO_APPLICATION, Kind.ARGO_APPLICATION_SET})
FLUX = frozenset({Kind.FLUX_KUSTOMIZATION, Kind.HELM_RELEASE})


def applications_of(draft: Draft, holder: Holder, beside: Sequence[Draft] = ()) -> Iterator[Application]:
    """None for an object of another kind. `beside`: what is applied with it, in which it looks things up first."""
    root = draft.document.root
    if draft.kind not in ARGO and draft.kind not in FLUX:
        return
    if not draft.name:
        from meshlint.render.find.fill import unfilled

        draft = draft._replace(name=unfilled(root.get("metadata", "name")))
    if draft.kind is Kind.ARGO_APPLICATION:
        from meshlint.render.find.argocd import application

        yield application(draft.name, root, root.get("spec"), holder)
    elif draft.kind is Kind.ARGO_APPLICATION_SET:
        from meshlint.render.find.applicationset import applications

        yield from applications(draft.name, root, holder)
    else:
        from meshlint.render.find.flux import kustomization, release

        yield (kustomization if draft.kind is Kind.FLUX_KUSTOMIZATION else release)(draft, holder, beside)
