"""The moving average of the weights is what its formula says, and leaves the training alone."""

from __future__ import annotations

import torch

from dermai.training.weight_average import WeightAverage


def set_weights(module: torch.nn.Module, value: float) -> None:
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.fill_(value)


def test_each_step_moves_the_average_by_one_less_the_decay() -> None:
    module = torch.nn.BatchNorm1d(2)
    set_weights(module, 1.0)
    average = WeightAverage(module, 0.75, {})
    for value in (3.0, 5.0):
        set_weights(module, value)
        average.update()
    expected = 0.75 * (0.75 * 1 + 0.25 * 3) + 0.25 * 5
    assert all(torch.allclose(average.weights[name], torch.tensor(expected)) for name in ("weight", "running_mean"))


def test_it_goes_on_from_what_was_kept() -> None:
    module = torch.nn.Linear(2, 2)
    set_weights(module, 0.0)
    kept = {name: torch.full_like(tensor, 4.0) for name, tensor in module.state_dict().items()}
    average = WeightAverage(module, 0.5, kept)
    average.update()
    assert torch.equal(average.weights["weight"], torch.full((2, 2), 2.0))


def test_the_module_has_it_for_a_while_only() -> None:
    module = torch.nn.Linear(2, 2)
    set_weights(module, 1.0)
    average = WeightAverage(module, 0.5, {})
    set_weights(module, 9.0)
    average.update()
    with average.in_the_module():
        assert torch.equal(module.weight, torch.full((2, 2), 5.0))
    assert torch.equal(module.weight, torch.full((2, 2), 9.0))


def test_without_a_decay_the_module_is_its_own_average() -> None:
    module = torch.nn.Linear(2, 2)
    average = WeightAverage(module, 0.0, {})
    average.update()
    with average.in_the_module():
        assert average.weights == {}
