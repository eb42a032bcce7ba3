from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dermai.images.device_records import DeviceRecords, reader
from dermai.images.record_file import RecordFile

CPU = torch.device("cpu")


@pytest.fixture
def records(tmp_path: Path) -> RecordFile:
    file = RecordFile(tmp_path / "records", (2, 3), "float16")
    file.append(list("abcd"), np.arange(24).reshape(4, 2, 3))
    return file


def test_records_are_given_in_the_order_of_the_keys(records: RecordFile) -> None:
    kept = DeviceRecords(records, ["d", "b", "a", "b"], CPU)
    assert np.array_equal(kept.read(["a", "d", "a"]).numpy(), records.read(["a", "d", "a"]))


def test_a_key_it_was_not_made_with_is_an_error(records: RecordFile) -> None:
    with pytest.raises(KeyError, match="c"):
        DeviceRecords(records, ["a"], CPU).read(["c"])


def test_a_machine_without_a_gpu_reads_them_from_the_disk(records: RecordFile) -> None:
    read = reader(records, ["a"], CPU)
    records.append(["e"], np.ones((1, 2, 3)))
    assert read(["e", "a"]).tolist() == records.read(["e", "a"]).tolist()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_keeps_what_fits_in_half_of_its_memory(records: RecordFile) -> None:
    read = reader(records, ["a", "b"], torch.device("cuda"))
    assert read(["b"]).device.type == "cuda"
