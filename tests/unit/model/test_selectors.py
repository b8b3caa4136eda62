"""Label selectors against labels."""

import pytest

from meshlint.model.position import Source
from meshlint.model.selectors import selects
from meshlint.read.compose import compose


@pytest.mark.parametrize(
    ("selector", "answer"),
    [
        ("{}", True),
        ("{matchLabels: {team: shop}}", True),
        ("{matchLabels: {team: shop, tier: web}}", False),
        ("{matchExpressions: [{key: team, operator: In, values: [shop, web]}]}", True),
        ("{matchExpressions: [{key: team, operator: NotIn, values: [shop]}]}", False),
        ("{matchExpressions: [{key: tier, operator: NotIn, values: [shop]}]}", True),
        ("{matchExpressions: [{key: tier, operator: Exists}]}", False),
        ("{matchExpressions: [{key: tier, operator: DoesNotExist}]}", True),
        ("{matchExpressions: [{key: tier, operator: Near}]}", None),
        ('{matchLabels: {team: "${TEAM}"}}', None),
        ('{matchLabels: {team: "${TEAM}", tier: web}}', False),
    ],
)
def test_selects(selector: str, answer: bool | None) -> None:
    (table,) = compose(selector, Source("selector.yaml", selector))
    assert selects(table.root, {"team": "shop"}) is answer
