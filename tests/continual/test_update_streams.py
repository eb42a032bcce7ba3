"""Not one module: statistics and page of the benchmark of update streams, on made-up answers whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.updates import update_streams_report
from benchmarks.updates.stream_statistics import (
    Answers,
    balanced_accuracy,
    estimate,
    forgetting,
    forward_transfer,
    mean_forgetting,
    p_value,
)
from benchmarks.updates.streams import with_splits
from dermai.data.folds import training_roles
from tests.training.training_data import make_cases

CLASSES = ("Nev", "BCC", "MM")


def answers(shares: list[list[float]], lesions: int = 300) -> Answers:
    """`shares[stage][arrival]` of an arrival's lesions are right after a stage, the same ones as long as possible."""
    arrivals = np.repeat([1, 2], lesions)
    luck = np.tile(np.linspace(0, 1, lesions, endpoint=False), 2)
    right = [luck < np.array(stage)[arrivals - 1] for stage in shares]
    numbers = np.arange(2 * lesions)
    return Answers(numbers // 2, np.array(CLASSES)[numbers % 3], arrivals, np.array(right))


class TestStatistics:
    found = answers([[0.8, 0.5], [0.6, 0.9]])

    def test_forgetting_and_transfer_are_what_was_lost_and_known_before(self) -> None:
        assert estimate(forgetting(1), self.found).value == pytest.approx(0.2, abs=0.01)
        assert estimate(mean_forgetting, self.found).value == pytest.approx(0.2, abs=0.01)
        assert estimate(forward_transfer, self.found).value == pytest.approx(0.5 - 1 / 3, abs=0.01)
        assert estimate(balanced_accuracy(-1), self.found).value == pytest.approx(0.75, abs=0.01)

    def test_a_paired_difference_is_more_certain_than_the_scores(self) -> None:
        better = answers([[0.8, 0.5], [0.65, 0.95]])
        change = estimate(balanced_accuracy(-1), better, self.found)
        alone = estimate(balanced_accuracy(-1), better)
        assert change.high - change.low < 0.7 * (alone.high - alone.low)
        assert p_value(change, 0.0) < 0.01
        assert p_value(change, 0.05) > 0.2


def test_splits_put_each_patient_once_into_a_test_fold_and_leave_validation_in_every_arrival(tmp_path: Path) -> None:
    parts = [make_cases(tmp_path, {"train": {"Nev": 30, "MM": 10}}, batch=str(n)).assign(arrival=n) for n in (1, 2)]
    cases = parts[0]._append(parts[1], ignore_index=True)
    tested = [set(with_splits(cases, number).query("split == 'test'")["patient_id"]) for number in range(5)]
    assert set.union(*tested) == set(cases["patient_id"])
    assert sum(map(len, tested)) == len(set(cases["patient_id"]))
    counts = with_splits(cases, 0).assign(role=training_roles).groupby(["arrival", "role"]).size()
    assert set(counts.index.get_level_values("role")) == {"train", "validation", "test"}
    assert counts.min() >= 4


def test_the_page_holds_each_bar_with_its_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update_streams_report, "PAGE", tmp_path / "page.md")
    random = np.random.default_rng(0)
    truth = [CLASSES[n % 3] for n in range(120)]

    def stage(share: float, seconds: float) -> dict[str, Any]:
        said = {f"l{n}": name if random.random() < share else "Nev" for n, name in enumerate(truth)}
        return {"answers": said, "processor_seconds": seconds}

    for strategy, last in {"balanced_replay": 0.9, "finetune_only": 0.5, "joint": 0.9}.items():
        stages = [stage(last, 90.0)] if strategy == "joint" else [stage(0.7, 9.0), stage(last, 18.0)]
        lesions = [
            {"lesion_id": f"l{n}", "patient_id": f"p{n}", "diagnosis": name, "arrival": 1 + n % 2}
            for n, name in enumerate(truth)
        ]
        cell = {"stream": "pad", "repetition": 0, "strategy": strategy, "stages": stages, "test": lesions}
        (tmp_path / f"pad-0-{strategy}.json").write_text(json.dumps(cell))
    update_streams_report.write_report(tmp_path)
    page = (tmp_path / "page.md").read_text()
    assert "| share of joint's seconds, % | at most 35 | 20 (20 to 20) | | met |" in page
    row = next(line for line in page.splitlines() if line.startswith("| less fine-tune only"))
    assert row.endswith("| shown |")
    assert (tmp_path / "page.svg").is_file()
