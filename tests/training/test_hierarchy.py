"""Coarser answers are sums of the diagnoses' probabilities, and are learnt beside them."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from dermai.training.hierarchy import hierarchical_loss, parts

CLASSES = ["Nev", "ActKer", "BCC", "MM"]


def test_the_parts_are_the_taxonomy_s() -> None:
    assert parts("melanocytic", CLASSES) == [1, 0, 0, 1]
    risk = parts("risk", CLASSES)
    assert risk[2] == risk[3]
    assert len(set(risk)) == 3


def test_without_levels_it_is_the_cross_entropy() -> None:
    scores, truth = torch.randn(8, 4), torch.arange(8) % 4
    expected = functional.cross_entropy(scores, truth, label_smoothing=0.1)
    assert torch.equal(hierarchical_loss([], 1.0, 0.1)(scores, truth), expected)


def test_a_level_adds_the_log_of_its_part_s_summed_probability() -> None:
    scores, truth = torch.randn(8, 4), torch.arange(8) % 4
    level = parts("melanocytic", CLASSES)
    probabilities = scores.softmax(1)
    summed = torch.stack([probabilities[:, [1, 2]].sum(1), probabilities[:, [0, 3]].sum(1)], 1)
    own = -summed[torch.arange(8), torch.tensor(level)[truth]].log().mean()
    found = hierarchical_loss([level], 2.0, 0.0)(scores, truth)
    assert found.item() == pytest.approx((functional.cross_entropy(scores, truth) + 2 * own).item(), abs=1e-5)


def test_a_mistake_within_the_part_costs_less_than_one_outside() -> None:
    loss, truth = hierarchical_loss([parts("risk", CLASSES)], 1.0, 0.0), torch.tensor([3])
    inside, outside = torch.tensor([[0.0, 0.0, 4.0, 0.0]]), torch.tensor([[4.0, 0.0, 0.0, 0.0]])
    assert loss(inside, truth) < loss(outside, truth)
