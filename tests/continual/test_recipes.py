"""The recipes of an update: what each replays, holds on to and mixes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, get_args

import pandas as pd
import pytest
import torch
from torch import nn

from dermai.config import ContinualParams, Params
from dermai.continual.penalties import distillation, l2_sp
from dermai.continual.plan import plan_update
from dermai.continual.recipes import RECIPES
from dermai.models.package import ModelPackage
from dermai.training.finetune import finetune
from tests.training.training_data import make_cases, quick_params


def test_each_strategy_of_the_parameters_has_its_recipe() -> None:
    assert set(get_args(ContinualParams.model_fields["strategy"].annotation)) == set(RECIPES)


class TestReplay:
    old: ClassVar = {f"{name}{n}": name for name, count in {"Nev": 90, "BCC": 5, "MM": 5}.items() for n in range(count)}

    def drawn(self, strategy: str, **continual: object) -> list[str]:
        params = Params.model_validate({"continual": {"replay_per_class": 10, **continual}})
        return RECIPES[strategy].replay(self.old, params)

    def test_uniform_replay_costs_as_much_and_favours_no_class(self) -> None:
        uniform, balanced = self.drawn("uniform_replay"), self.drawn("replay_interpolation")
        assert len(uniform) == len(balanced) == 20
        assert sum(self.old[image] == "Nev" for image in balanced) == 10
        assert sum(self.old[image] == "Nev" for image in uniform) > 14
        assert uniform == self.drawn("uniform_replay")

    def test_a_photograph_once_drawn_stays_drawn_as_the_memory_grows(self) -> None:
        more = set(self.drawn("uniform_replay", replay_per_class=20))
        assert set(self.drawn("uniform_replay")) < more

    @pytest.mark.parametrize("strategy", ["balanced_replay", "joint"])
    def test_some_draw_from_all_of_them(self, strategy: str) -> None:
        assert self.drawn(strategy) == list(self.old)

    @pytest.mark.parametrize("strategy", ["finetune_only", "distillation", "l2_sp"])
    def test_some_keep_no_photographs(self, strategy: str) -> None:
        assert self.drawn(strategy) == []


class TestPenalties:
    def test_distillation_is_zero_at_the_champion_and_looks_at_its_classes_only(self) -> None:
        torch.manual_seed(0)
        head = nn.Linear(4, 3)
        term = distillation(ContinualParams(), 2, head)
        inputs = torch.randn(5, 4)
        assert term(inputs, head(inputs)).item() == pytest.approx(0, abs=1e-6)
        with torch.no_grad():
            head.weight[2] += 1  # a class that the champion did not know
        assert term(inputs, head(inputs)).item() == pytest.approx(0, abs=1e-6)
        with torch.no_grad():
            head.weight[0] += 1
        assert term(inputs, head(inputs)).item() > 0.01

    def test_l2_sp_is_half_the_squared_distance_from_the_champion(self) -> None:
        head = nn.Linear(2, 2)
        term = l2_sp(ContinualParams(l2_sp_strength=0.5), 2, head)
        assert term(torch.empty(0), torch.empty(0)).item() == 0
        with torch.no_grad():
            head.bias += 2
        distance = term(torch.empty(0), torch.empty(0))
        assert distance.item() == pytest.approx(0.5 / 2 * 2 * 4)
        distance.backward()
        assert torch.allclose(head.bias.grad, torch.tensor([1.0, 1.0]))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame, ModelPackage]:
    folder = tmp_path_factory.mktemp("recipes")
    cases = make_cases(folder, {"train": {"Nev": 6, "BCC": 6}, "validation": {"Nev": 2, "BCC": 2}})
    params = quick_params()
    return folder, cases, finetune(plan_update(cases, None, params), cases, folder, params, None, folder / "a", False)


@pytest.mark.parametrize("strategy", RECIPES)
def test_every_recipe_trains_an_update_with_a_new_class(
    strategy: str, first: tuple[Path, pd.DataFrame, ModelPackage]
) -> None:
    folder, known, champion = first
    arrival = make_cases(folder, {"train": {"Nev": 3, "MM": 4}, "validation": {"MM": 2}}, batch="2")
    cases = pd.concat([known, arrival], ignore_index=True)
    params = quick_params(continual={"strategy": strategy})
    plan = plan_update(cases, champion.manifest, params)
    package = finetune(plan, cases, folder, params, champion, folder / strategy, False, cache=folder / "a")
    assert package.training["strategy"] == strategy
    assert set(package.classes) == {"Nev", "BCC", "MM"}
    assert bool(package.training["interpolation"]) == RECIPES[strategy].interpolates
    assert package.training["started_from"].startswith("none" if strategy == "joint" else "package")


def test_a_strong_pull_keeps_the_weights_at_the_champions(first: tuple[Path, pd.DataFrame, ModelPackage]) -> None:
    folder, known, champion = first
    cases = pd.concat([known, make_cases(folder, {"train": {"Nev": 8, "BCC": 2}}, batch="3")], ignore_index=True)

    def moved(**continual: object) -> float:
        params = quick_params(continual=continual, training={"update_epochs": 4})
        plan = plan_update(cases, champion.manifest, params)
        name = "-".join(str(value) for value in continual.values())
        package = finetune(plan, cases, folder, params, champion, folder / name, False, cache=folder / "a")
        return float((package.weights["classifier.weight"] - champion.weights["classifier.weight"]).norm())

    assert moved(strategy="l2_sp", l2_sp_strength=1000.0) < 0.7 * moved(strategy="finetune_only")
