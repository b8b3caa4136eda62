"""Controllers that write into an object, and what has to change there first."""

from __future__ import annotations

from meshlint.model.kind import Kind
from meshlint.model.resource import Resource


def what_edits(editor: Resource, edited: Resource) -> tuple[str, str]:
    """What keeps an object that a Rollout or Canary edits, and what to change."""
    said = f"is edited by {editor.title}, which would go on writing weights into {edited.title}"
    if editor.kind is Kind.ROLLOUT:
        return said, (
            f"In {editor.title} replace strategy.canary.trafficRouting.istio by the Gateway API plugin "
            "(plugins: argoproj-labs/gatewayAPI) with the HTTPRoute, and canaryService and stableService by two Services."
        )
    return said, (
        f"In {editor.title} set provider: gatewayapi:v1 and service.gatewayRefs to the Service (kind Service) or Gateway; "
        "Flagger then makes the HTTPRoute itself."
    )
