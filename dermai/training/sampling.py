"""Batches with the same number of photographs of each class: the paper's batch stratification."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


class ClassBalancedBatches:
    """Positions of samples, batch by batch; minority classes come round more often.

    Every class is a stream: its samples in a random order, then again in another, on across epochs, so all of a
    class are seen equally often. Where a class has both new and old samples it is two streams, and `new_share` of
    its places in a batch go to the new. An epoch shows `epoch_samples`, or as many as there are, rounded up to whole
    batches. Same seed and epoch, same batches. The places of a class stand together in a batch.

    >>> batches = ClassBalancedBatches([0, 0, 0, 0, 1], samples_per_class=2, seed=0)
    >>> [sorted(batch.tolist()) for batch in batches.epoch(0)][0][-2:]
    [4, 4]
    """

    def __init__(
        self,
        labels: Sequence[int],
        samples_per_class: int,
        seed: int,
        is_new: Sequence[bool] | None = None,
        new_share: float = 1.0,
        epoch_samples: int | None = None,
    ) -> None:
        self.seed = seed
        self.samples_per_class = samples_per_class
        self.samples = epoch_samples or len(labels)
        label_array = np.asarray(labels, dtype=int)
        new_array = np.ones(len(labels), bool) if is_new is None else np.asarray(is_new, bool)
        self._streams: list[tuple[np.ndarray, int]] = []  # members, places in a batch
        self._orders: dict[int, tuple[int, np.ndarray]] = {}  # stream -> its turn, members in that turn's order
        for label in np.unique(label_array):
            new = np.flatnonzero((label_array == label) & new_array)
            old = np.flatnonzero((label_array == label) & ~new_array)
            if len(new) and len(old) and samples_per_class > 1:
                places = round(new_share * samples_per_class)
                places = min(max(places, 1), samples_per_class - (new_share < 1))
                self._streams += [(new, places), (old, samples_per_class - places)]
            else:
                self._streams.append((np.concatenate([new, old]), samples_per_class))
        self.batch_size = sum(places for _, places in self._streams)

    def epoch(self, epoch: int) -> list[np.ndarray]:
        """The batches of one epoch, each an array of sample positions."""
        per_epoch = math.ceil(self.samples / self.batch_size)
        return [self._batch(epoch * per_epoch + step) for step in range(per_epoch)]

    def _batch(self, number: int) -> np.ndarray:
        return np.concatenate(
            [
                [self._member(stream, number * places + place) for place in range(places)]
                for stream, (_, places) in enumerate(self._streams)
            ]
        ).astype(int)

    def _member(self, stream: int, position: int) -> int:
        members, _ = self._streams[stream]
        turn, place = divmod(position, len(members))
        if self._orders.get(stream, (-1, members))[0] != turn:
            order = np.random.default_rng((self.seed, stream, turn)).permutation(len(members))
            self._orders[stream] = turn, members[order]
        return int(self._orders[stream][1][place])
