"""BatchNorm statistics follow the inputs they are computed on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dermai.training.batch_norm import recompute_batch_norm


def test_the_statistics_become_the_mean_over_the_batches_and_the_weights_stay() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3, momentum=0.2), nn.Dropout(0.5))
    weights = network[0].weight.clone()
    batches = [torch.randn(50, 3) + 4 for _ in range(3)]
    recompute_batch_norm(network, batches)
    expected = torch.stack([network[0](batch).mean(0) for batch in batches]).mean(0)
    assert torch.allclose(network[1].running_mean, expected, atol=1e-5)
    assert torch.equal(network[0].weight, weights)
    assert network[1].momentum == 0.2
    assert not network.training


@pytest.mark.parametrize("network", [nn.Linear(3, 3), nn.LayerNorm(3)])
def test_a_network_without_batch_norm_is_not_even_run(network: nn.Module) -> None:
    def never() -> torch.Tensor:
        raise AssertionError("asked for inputs")

    recompute_batch_norm(network, (never() for _ in range(1)))
