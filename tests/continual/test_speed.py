"""Which speed an update has: heads alone, unless the plan or a person asks for more."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from dermai.config import Params, model_parameters, network_parameters
from dermai.continual.networks_learnt import NetworksLearnt
from dermai.continual.plan import plan_update
from dermai.continual.speed import NOTHING_SINCE, SinceFineTuning, choose_speed
from dermai.data.cases import COLUMNS
from tests.continual.test_networks_learnt import KNOWN, ROWS

ALARM = SinceFineTuning(alarms=("a drift alarm since",))
REJECTED = SinceFineTuning(rejected=("the gate has rejected a candidate",))
WITHDRAWN = ROWS[ROWS["image"] != "a"]


def params(when: str, enough: int = 10) -> Params:
    tuning = {"when": when, "after_new_cases": enough}
    return Params.model_validate({"training": {"fine_tuning": tuning}})


@pytest.mark.parametrize(
    ("when", "rows", "networks", "since", "name", "why"),
    [
        ("never", ROWS, None, ALARM, "fast", "never"),
        ("never", WITHDRAWN, KNOWN, NOTHING_SINCE, "fast", "left out: they have learnt 1 photograph taken back"),
        ("now", ROWS, KNOWN, NOTHING_SINCE, "slow", "by hand"),
        ("now", WITHDRAWN, KNOWN, NOTHING_SINCE, "slow", "from the first weights"),
        ("planned", ROWS[:2], KNOWN, ALARM, "fast", "0 cases"),
        ("planned", ROWS[:3], KNOWN, NOTHING_SINCE, "fast", "1 case that the fine-tuned network does not know, of 10"),
        ("planned", ROWS[:3], KNOWN, ALARM, "slow", "a drift alarm since, and 1 case"),
        ("planned", ROWS[:3], KNOWN, REJECTED, "slow", "rejected a candidate"),
        ("planned", ROWS, KNOWN, NOTHING_SINCE, "slow", "new to the fine-tuned network: BCC"),
        ("planned", ROWS, None, NOTHING_SINCE, "fast", "3 cases"),
    ],
)
def test_a_speed_has_its_reason(
    when: str, rows: pd.DataFrame, networks: NetworksLearnt | None, since: SinceFineTuning, name: str, why: str
) -> None:
    found = choose_speed(rows, params(when), networks, since)
    assert (found.name, why in found.reason) == (name, True), found.reason


def test_enough_new_cases_ask_for_it_and_so_does_another_recipe() -> None:
    assert choose_speed(ROWS, params("planned", 3), None).name == "slow"
    known = replace(KNOWN, parameters=network_parameters(Params()))
    rows = ROWS[:2]
    assert choose_speed(rows, params("planned"), known).name == "fast"
    other = Params.model_validate({"training": {"fine_tuning": {"when": "planned"}, "first_epochs": 3}})
    assert "training.first_epochs from 24 to 3" in choose_speed(rows, other, known).reason


def test_a_plan_with_nothing_new_is_slow_by_hand_and_when_planned_only_where_that_asks_by_itself() -> None:
    cases = ROWS.reindex(columns=list(COLUMNS), fill_value="").assign(split="train")

    def plan(chosen: Params, since: SinceFineTuning = NOTHING_SINCE) -> tuple[str, str, int]:
        learnt = model_parameters(chosen)
        found = plan_update(cases, cases, chosen, learnt, networks=KNOWN, since=since)
        return found.mode, found.speed, len(found.again)

    assert plan(params("never")) == ("nothing", "", 0)
    assert plan(params("now")) == ("update", "slow", 4)
    assert plan(params("planned"), ALARM) == ("nothing", "", 0)
    assert plan(params("planned", 1)) == ("update", "slow", 4)


def test_a_network_by_itself_has_no_two_speeds() -> None:
    cases = ROWS.reindex(columns=list(COLUMNS), fill_value="").assign(split="train")
    alone = Params.model_validate({"training": {"learner": "network"}})
    assert plan_update(cases, None, alone).speed == ""
