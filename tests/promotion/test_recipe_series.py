"""Which challengers are of one series: one recipe, one after the other, beside the same models, without harm."""

from __future__ import annotations

from dermai.promotion.history import latest_attempt
from dermai.promotion.recipe_series import recipe_series
from dermai.promotion.transaction import reject
from tests.promotion.fleet import WHO, training_with
from tests.promotion.test_history import restored


def versions(fleet, version):
    found = recipe_series(fleet.audit, latest_attempt(fleet.audit, version))
    return found.number, [attempt.body.candidate.version for attempt in found.attempts]


def waiting(fleet, **changes):
    return fleet.candidate("insufficient_evidence", **changes)


def another_recipe(fleet):
    trained = training_with(fleet.params)
    return trained.model_copy(update={"parameters": {**trained.parameters, "training.head_regularisation": 9.0}})


def test_challengers_of_one_recipe_are_a_series_each_up_to_its_own_attempt(fleet):
    first, second, third = waiting(fleet), waiting(fleet), waiting(fleet)
    assert versions(fleet, first) == (1, [first])
    assert versions(fleet, third) == (1, [first, second, third])
    waited = recipe_series(fleet.audit, latest_attempt(fleet.audit, third)).waited
    assert [attempt.body.candidate.version for attempt, _ in waited] == [first, second]
    assert [until for _, until in waited] == [latest_attempt(fleet.audit, each).time for each in (second, third)]


def test_another_recipe_begins_another_series(fleet):
    first = waiting(fleet)
    second = waiting(fleet, training=another_recipe(fleet))
    third = waiting(fleet)
    assert [versions(fleet, each)[0] for each in (first, second, third)] == [1, 2, 3]
    assert versions(fleet, third)[1] == [third]


def test_an_attempt_of_which_no_parameters_are_known_stands_alone(fleet):
    first, second = waiting(fleet, training=None), waiting(fleet, training=None)
    assert versions(fleet, second) == (2, [second])
    assert versions(fleet, first) == (1, [first])


def test_a_harmful_candidate_ends_a_series_whether_the_gate_or_a_person_rejects_it(fleet):
    first = waiting(fleet)
    reject(fleet.workspace, fleet.params, first, **WHO)
    second = waiting(fleet)
    fleet.candidate("reject")
    fourth = waiting(fleet)
    assert versions(fleet, second) == (2, [second])
    assert versions(fleet, fourth) == (3, [fourth])


def test_a_new_champion_begins_the_count_anew_and_a_provisional_one_another_series(fleet):
    first = waiting(fleet)
    fleet.promote(first, provisional=True)
    second = waiting(fleet)
    assert versions(fleet, second) == (2, [second])
    fleet.champions(1)
    assert versions(fleet, waiting(fleet))[0] == 1


def test_each_record_that_was_lost_may_have_ended_a_series(fleet):
    waiting(fleet)
    fleet.audit.append(restored(3))
    second = waiting(fleet)
    assert versions(fleet, second) == (5, [second])
