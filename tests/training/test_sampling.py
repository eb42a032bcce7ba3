"""Batches hold the same number of each class."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dermai.training.processes import Processes
from dermai.training.sampling import ClassBalancedBatches


@given(
    counts=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    places=st.integers(1, 5),
    processes=st.integers(1, 4),
    epoch=st.integers(0, 9),
)
def test_every_batch_of_every_process_is_balanced(counts: list[int], places: int, processes: int, epoch: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    batches = ClassBalancedBatches(labels.tolist(), places * processes, seed=1).epoch(epoch)
    for process in (Processes(number, processes) for number in range(processes)):
        for batch in batches:
            assert Counter(labels[process.share(batch)].tolist()) == dict.fromkeys(range(len(counts)), places)
    assert sum(len(batch) for batch in batches) >= len(labels)


def test_the_photographs_of_a_class_come_round_equally_often() -> None:
    labels = [0] * 7 + [1] * 3
    batches = ClassBalancedBatches(labels, 2, seed=3)
    seen = Counter(np.concatenate([batch for epoch in range(21) for batch in batches.epoch(epoch)]).tolist())
    for members in (range(7), range(7, 10)):
        assert max(seen[m] for m in members) - min(seen[m] for m in members) <= 1


def test_seed_and_epoch_decide_the_batches() -> None:
    labels = [0] * 20 + [1] * 20
    first, again, other = (ClassBalancedBatches(labels, 4, seed=seed) for seed in (1, 1, 2))
    assert all(map(np.array_equal, first.epoch(5), again.epoch(5)))
    assert not all(map(np.array_equal, first.epoch(5), other.epoch(5)))
    assert not all(map(np.array_equal, first.epoch(5), first.epoch(6)))


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.25, 1), (0.9, 3), (0.01, 1), (1.0, 4)])
def test_new_photographs_get_their_share_of_the_places_of_a_class(share: float, expected: int) -> None:
    labels = [0] * 10 + [1] * 10
    is_new = [True] * 3 + [False] * 7 + [False] * 10  # class 1 has nothing new
    batches = ClassBalancedBatches(labels, 4, seed=0, is_new=is_new, new_share=share)
    for batch in batches.epoch(0):
        assert sum(is_new[position] for position in batch) == expected
        assert sum(labels[position] for position in batch) == 4


def test_a_short_epoch_goes_on_where_the_one_before_stopped() -> None:
    labels = [0] * 12 + [1] * 12
    batches = ClassBalancedBatches(labels, 2, seed=0, epoch_samples=8)
    epochs = [np.concatenate(batches.epoch(epoch)) for epoch in range(3)]
    assert [len(epoch) for epoch in epochs] == [8, 8, 8]
    assert sorted(np.concatenate(epochs).tolist()) == list(range(24))
