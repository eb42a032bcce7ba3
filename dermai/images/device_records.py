"""Records that a GPU keeps in its own memory, so that a batch is not read, checked and moved again in every epoch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dermai.images.record_file import RecordFile

if TYPE_CHECKING:
    import torch
    from torch import Tensor

logger = logging.getLogger(__name__)

LARGEST_SHARE = 0.5  # of the memory that is free before a training; the rest is the network's
_CHUNK = 256


class DeviceRecords:
    """The records of these keys, read from the disk once.

    >>> kept = DeviceRecords(records, ["a", "b"], torch.device("cuda"))  # doctest: +SKIP
    >>> kept.read(["b"]).device.type  # doctest: +SKIP
    'cuda'
    """

    def __init__(self, records: RecordFile, keys: Sequence[str], device: torch.device) -> None:
        import torch

        self._rows = {key: row for row, key in enumerate(dict.fromkeys(keys))}
        self._device = device
        names = list(self._rows)
        parts = [
            torch.from_numpy(records.read(names[start : start + _CHUNK])).to(device)
            for start in range(0, len(names), _CHUNK)
        ]
        self._records = torch.cat(parts)

    def read(self, keys: Sequence[str]) -> Tensor:
        """A copy of the records of these keys, `[N, *shape]`, on the device; nothing waits for it.

        Raises:
            KeyError: a key was not among those it was made with.
        """
        import torch

        rows = torch.from_numpy(np.array([self._rows[key] for key in keys])).to(self._device, non_blocking=True)
        return self._records[rows]


def reader(records: RecordFile, keys: Sequence[str], device: torch.device) -> Callable[[Sequence[str]], Tensor]:
    """Reads these records to the device: from a GPU's memory where they fit in half of it, else from the disk."""
    import torch

    def from_disk(keys: Sequence[str]) -> Tensor:
        return torch.from_numpy(records.read(keys)).to(device)

    if device.type != "cuda" or not keys:
        return from_disk
    needed, free = len(set(keys)) * records.record_bytes, torch.cuda.mem_get_info(device)[0]
    if needed > LARGEST_SHARE * free:
        logger.info("%.1f GB of records stay on the disk: %.1f GB are free on %s", needed / 1e9, free / 1e9, device)
        return from_disk
    return DeviceRecords(records, keys, device).read
