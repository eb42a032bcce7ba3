"""Photographs that show the same shot: a perceptual hash finds candidates, a grey thumbnail confirms them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dermai.ingest.fingerprints import FingerprintTable

# Correlation of two thumbnails from which a candidate is the same shot; docs/data_contract.md has what it was chosen by
SAME_SHOT = 0.99
PAIRS_AT_ONCE = 1 << 20  # candidate pairs compared in one piece, which bounds the memory


def near_duplicates(table: FingerprintTable, bits: int, first_new: int = 0) -> NDArray[np.intp]:
    """Pairs of rows [M, 2] that show the same shot; of each pair, the second is at or after `first_new`.

    Hashes that differ in at most `bits` bits agree wholly in one of `bits + 1` pieces (pigeonhole), so that only
    photographs that share a piece are compared. Time grows with the number of new photographs.
    """
    found = [np.empty((0, 2), dtype=np.intp)]
    new = np.arange(first_new, len(table), dtype=np.intp)
    edges = np.linspace(0, 64, bits + 2).round().astype(int)
    for low, high in pairwise(edges):
        mask = np.uint64((1 << int(high - low)) - 1)
        piece = (table.hashes >> np.uint64(low)) & mask
        order = np.argsort(piece, kind="stable")
        ordered = piece[order]
        start = np.searchsorted(ordered, piece[new], "left")
        count = np.searchsorted(ordered, piece[new], "right") - start
        for block in _blocks(count):
            second = np.repeat(new[block], count[block])
            offset = np.arange(len(second)) - np.repeat(np.cumsum(count[block]) - count[block], count[block])
            first = order[np.repeat(start[block], count[block]) + offset]
            once = first < second
            first, second = first[once], second[once]
            near = np.bitwise_count(table.hashes[first] ^ table.hashes[second]) <= bits
            first, second = first[near], second[near]
            same = _correlation(table.thumbnails, first, second) >= SAME_SHOT
            found.append(np.stack([first[same], second[same]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _blocks(count: NDArray[np.intp]) -> Iterable[slice]:
    """Slices of queries with about `PAIRS_AT_ONCE` candidates each."""
    if len(count) == 0:
        return
    piece = np.cumsum(count) // PAIRS_AT_ONCE
    starts = [0, *(np.flatnonzero(np.diff(piece)) + 1), len(count)]
    yield from (slice(a, b) for a, b in pairwise(starts))


def _correlation(
    thumbnails: NDArray[np.uint8], first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Pearson correlation of pairs of thumbnails; 0 where one is of a single grey."""
    a, b = (thumbnails[rows].astype(np.float64) for rows in (first, second))
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), scale, out=np.zeros(len(first)), where=scale > 0)
