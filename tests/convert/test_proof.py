"""Whatever is converted routes every request as before, by a model of both APIs (tests/routing), and is valid at the target."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, seed, settings

from meshlint.model.conversion import Manner, Outcome
from tests.routing.convert import converted
from tests.routing.generate import World, worlds
from tests.routing.proof import prove

_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def one(world: World, segments: bool = False) -> Outcome:
    found = converted(world.objects, manner=Manner(segments=segments))
    if found.outcome is Outcome.STAYS:
        assert not found.documents
        assert found.because
    else:
        prove(world, found, segments)
    return found.outcome


def test_every_request_goes_the_same_way() -> None:
    """A proof about conversions says nothing where there are none: most worlds convert."""
    outcomes: Counter[Outcome] = Counter()

    @settings(max_examples=200, deadline=None, suppress_health_check=_CHECKS, derandomize=True, database=None)
    @given(worlds())
    def many(world: World) -> None:
        outcomes[one(world)] += 1

    many()
    assert outcomes[Outcome.CONVERTS] > 80
    assert outcomes[Outcome.SPLIT] > 0


@settings(max_examples=100, deadline=None, suppress_health_check=_CHECKS, derandomize=True)
@given(worlds())
def test_with_segments_a_prefix_is_read_as_segments_and_nothing_else_changes(world: World) -> None:
    one(world, segments=True)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_every_request_goes_the_same_way_in_many_worlds(part: int) -> None:
    """5,000 of them, in parts: Hypothesis remembers all that it made in one go."""

    @seed(part)
    @settings(max_examples=500, deadline=None, suppress_health_check=_CHECKS, database=None)
    @given(worlds())
    def many(world: World) -> None:
        one(world)

    many()
