"""Several processes compute what one would: here threads, in double precision, so that only the algebra is tested."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from dermai.training.batch_norm import recompute_batch_norm
from dermai.training.processes import CannotShare, Processes


class Together:
    """The sum over threads that all arrive at it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.barrier = threading.Barrier(count)
        self.given: list[torch.Tensor] = [torch.empty(0)] * count

    def run(self, work: Callable[[Processes], Any]) -> list[Any]:
        """`work` in each thread; torch's seed is one for all threads, so they take turns only where they must."""
        with ThreadPoolExecutor(self.count) as pool:
            return list(
                pool.map(lambda number: work(Processes(number, self.count, self._sum(number))), range(self.count))
            )

    def _sum(self, number: int) -> Callable[[torch.Tensor], None]:
        def sum_up(tensor: torch.Tensor) -> None:
            self.given[number] = tensor.clone()
            self.barrier.wait(30)
            total = torch.stack(self.given).sum(0)
            self.barrier.wait(30)
            tensor.copy_(total)

        return sum_up


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3, groups=2), nn.BatchNorm2d(6))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)).double()


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(4).repeat_interleave(4)
    return torch.randn(16, 3, 9, 9, generator=generator, dtype=torch.double) + labels.view(-1, 1, 1, 1), labels


def gradients(model: nn.Module, processes: Processes) -> list[torch.Tensor]:
    x, labels = batch()
    with processes.as_one():
        scores = model(processes.share(x))
    functional.cross_entropy(scores, processes.share(labels)).backward()
    return [processes.mean(parameter.grad) for parameter in model.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("count", [2, 4])
def test_the_mean_of_the_shares_gradients_is_the_gradient_of_the_batch(count: int) -> None:
    alone = network()
    expected = gradients(alone, Processes())
    models = [network() for _ in range(count)]
    found = Together(count).run(lambda processes: gradients(models[processes.number], processes))
    for model, of_one in zip(models, found, strict=True):
        for ours, theirs in zip(of_one, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
        for (name, ours), theirs in zip(model.named_buffers(), alone.buffers(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12, msg=name)


def test_each_share_is_dropped_out_as_its_rows_of_the_whole_batch() -> None:
    x = torch.rand(8, 50)
    torch.manual_seed(3)
    expected = functional.dropout(x, 0.5)
    shares = []
    for number in range(2):
        processes = Processes(number, 2)
        torch.manual_seed(3)
        with processes.as_one():
            shares.append(functional.dropout(processes.share(x), 0.5))
    assert torch.equal(torch.stack(shares, dim=1).reshape(8, 50), expected)
    assert torch.equal(torch.stack(shares, dim=1).flatten(0, 1), expected)


def test_evaluation_is_left_alone() -> None:
    model, x = network().eval(), batch()[0]
    with Processes(0, 2).as_one(), torch.no_grad():
        assert torch.equal(model(x), model(x))
        assert torch.equal(functional.dropout(x, 0.5, training=False), x)


def test_recomputed_statistics_are_those_of_all_batches_where_a_process_has_none() -> None:
    x = batch()[0]
    batches = [x[:5], x[5:9], x[9:]]
    alone = network()
    recompute_batch_norm(alone, batches)
    models = [copy.deepcopy(network()) for _ in range(4)]
    Together(4).run(
        lambda processes: recompute_batch_norm(models[processes.number], processes.share(batches), processes)
    )
    for model in models:
        for ours, theirs in zip(model.buffers(), alone.buffers(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("number", [0, 1, 7, 10])
def test_rows_that_are_computed_apart_are_the_same_for_all(number: int) -> None:
    values = torch.rand(number, 3)
    found = Together(4).run(lambda processes: processes.rows(number, lambda mine: values[mine], 3, "cpu"))
    assert all(torch.equal(rows, values) for rows in found)


def test_a_batch_that_cannot_be_shared_equally_is_refused_with_what_to_change() -> None:
    Processes(0, 2).check(4)
    with pytest.raises(CannotShare, match="set it to a multiple of 3"):
        Processes(0, 3).check(4)
