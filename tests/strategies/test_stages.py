"""What each strategy trains on."""

from __future__ import annotations

import pandas as pd
import pytest

from dermai.config import StrategyParams
from dermai.data.folds import held_out, training_roles
from dermai.strategies.stages import UnknownSource, plan_stages
from tests.strategies.three_sources import three_sources


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return three_sources(tmp_path_factory.mktemp("data"))


def trained_on(cases: pd.DataFrame) -> dict[str, int]:
    rows = cases[training_roles(cases) == "train"]
    return (rows["source"] + " " + rows["diagnosis"]).value_counts().to_dict()


def chain(*steps: str) -> StrategyParams:
    return StrategyParams(title="a chain", chain=steps)


def test_merging_takes_the_shared_categories_only_and_validates_on_the_target(cases: pd.DataFrame) -> None:
    (stage,) = plan_stages(chain("target+others"), cases, "dermai")
    assert stage.name == "dermai+edra+dermofit"
    assert "dermofit SebKer" not in trained_on(stage.cases)
    assert trained_on(stage.cases)["edra MM"] == 5
    assert set(stage.cases.loc[held_out(stage.cases), "source"]) == {"dermai"}


def test_a_chain_trains_on_one_source_after_the_other_and_never_on_test_photographs(cases: pd.DataFrame) -> None:
    stages = plan_stages(chain("edra", "dermofit", "target"), cases, "dermai")
    assert [stage.name for stage in stages] == ["edra", "dermofit", "dermai"]
    assert trained_on(stages[1].cases) == {"dermofit SebKer": 4, "dermofit BCC": 3, "dermofit Nev": 1}
    assert all("test" not in set(stage.cases["split"]) for stage in stages)


def test_an_automatic_strategy_merges_what_it_is_told_and_trains_on_the_rest_before(cases: pd.DataFrame) -> None:
    merged = {"edra": ["MM"], "dermofit": ["BCC"]}
    stages = plan_stages(StrategyParams(title="auto", automatic=True), cases, "dermai", merged)
    assert [stage.name for stage in stages] == ["dermofit", "dermai+edra+dermofit"]  # of EDRA one category is left
    assert trained_on(stages[0].cases) == {"dermofit SebKer": 4, "dermofit Nev": 1}
    assert {"edra MM": 5, "dermofit BCC": 3}.items() <= trained_on(stages[1].cases).items()
    assert "edra Nev" not in trained_on(stages[1].cases)


def test_a_source_that_is_not_there_is_named(cases: pd.DataFrame) -> None:
    with pytest.raises(UnknownSource, match="no training cases of ham10000"):
        plan_stages(chain("ham10000", "target"), cases, "dermai")
    with pytest.raises(UnknownSource, match=r"compare\.target is pad_ufes_20.*dermai, edra, dermofit"):
        plan_stages(chain("target"), cases, "pad_ufes_20")
