"""Objects with one defect, made at random: it is found, and where it is. MESHLINT_SEED gives another choice."""

import os
from random import Random

import pytest

from meshlint.semantics.schema_shape import shape_of
from meshlint.semantics.schema_sound import is_sound
from meshlint.semantics.schema_walk import walked
from tests.unit.semantics.schema_objects import NEWEST, found_in, generated, is_found, mutants, resource_of, written

SEED = int(os.environ.get("MESHLINT_SEED", "7"))


def chosen(count):
    """Half of the objects are written ones, half are made from the schemas of every kind."""
    random = Random(SEED)
    hand = written()
    made = list(generated(random, count // 2))
    pool = [*(random.choice(hand) for _ in range(count - len(made))), *made]
    return [random.choice(found) for value in pool if (found := mutants(value, random))]


def check(count):
    taken = chosen(count)
    assert len(taken) >= 0.95 * count
    missed = [mutant for mutant in taken if not is_found(mutant)]
    told = "\n".join(f"{mutant.value['kind']} {mutant.path}: {mutant.what}" for mutant in missed)
    print(f"seed {SEED}: {len(taken) - len(missed)} of {len(taken)} found\n{told}")
    assert len(missed) <= 0.02 * len(taken), f"seed {SEED}, missed:\n{told}"


def test_defects_are_found_where_they_are():
    check(30)


@pytest.mark.slow
def test_defects_of_five_hundred_objects_are_found_where_they_are():
    check(500)


def test_what_is_made_from_a_schema_is_accepted_by_it():
    made = list(generated(Random(SEED), 60))
    assert len({value["kind"] for value in made}) >= 25
    assert [found_in(value) for value in made] == [()] * len(made)


def test_the_quick_look_agrees_with_the_walk():
    random = Random(SEED)
    valid = [*generated(random, 60), *random.sample(written(), 60)]
    broken = [mutant.value for value in valid for mutant in mutants(value, random)]
    passed = []
    for value in (*valid, *broken):
        resource = resource_of(value)
        shape = shape_of(resource.kind, resource.version, NEWEST)
        sound = shape is not None and is_sound(shape, resource.root)
        assert not sound or not walked(shape, resource, NEWEST), value
        passed.append(sound)
    assert sum(passed[: len(valid)]) > 0.9 * len(valid)
    assert sum(passed[len(valid) :]) < 0.2 * len(broken)
