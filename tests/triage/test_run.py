"""Referrals on their way to the worklist."""

import errno
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from dermai.config import ValidationParams, load_params
from dermai.errors import DermaiError, InvalidCases, InvalidParams
from dermai.images.acquisition import acquisition_properties
from dermai.models.package import ModelPackage
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import read_retakes
from dermai.prediction_log.writing import Writer
from dermai.promotion.transaction import record_attempt
from dermai.triage.conformal import conformal_sets, conformal_threshold
from dermai.triage.heat_maps import heat_maps
from dermai.triage.retake_reasons import reasons_to_retake
from dermai.triage.risk import abstains, risk_level
from dermai.triage.run import received_time, run_triage
from dermai.triage.worklist import worklist_cases, write_worklist_csv
from tests.packages import CLASSES, make_package
from tests.promotion.fleet import Fleet
from tests.records.made import crown
from tests.triage.champion import make_champion
from tests.triage.referrals import paint, write_referrals

WHEN = datetime(2026, 3, 1, tzinfo=UTC)


def strings_in(content):
    """Every text that a JSON file holds."""
    if isinstance(content, str):
        return [content]
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [text for part in parts for text in strings_in(part)]


class TestDoor:
    def reasons(self, image):
        pixels = np.asarray(image)
        return reasons_to_retake(pixels, acquisition_properties(pixels), ValidationParams())

    def test_a_good_photograph_passes(self):
        assert self.reasons(paint(np.random.default_rng(0))) == []

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda image: image.filter(ImageFilter.GaussianBlur(6)), "blurred"),
            (lambda image: image.point(lambda value: value // 12), "too dark"),
            (lambda image: image.point(lambda value: min(255, value * 3)), "overexposed"),
            (lambda image: image.resize((40, 40)), "too small"),
            (lambda image: paint(np.random.default_rng(0), lesion=False), "no lesion in view"),
        ],
        ids=["blur", "dark", "bright", "small", "skin only"],
    )
    def test_each_fault_is_said_in_words_for_the_photographer(self, change, said):
        assert any(said in reason for reason in self.reasons(change(paint(np.random.default_rng(0)))))

    @pytest.mark.slow
    def test_the_real_photographs_nearly_all_pass(self, pad_ufes_20):
        files = sorted((pad_ufes_20 / "images").glob("*.jpg"))[:120]
        refused = [file for file in files if self.reasons(Image.open(file).convert("RGB"))]
        assert len(refused) <= 12


class TestConformal:
    @pytest.mark.slow
    @pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
    def test_the_sets_hold_the_true_class_as_often_as_promised(self, coverage):
        generator = np.random.default_rng(1)
        held = []
        for _ in range(150):
            probabilities = generator.dirichlet([0.6] * 5, 260)
            labels = np.array([generator.choice(5, p=row) for row in probabilities])
            threshold = conformal_threshold(probabilities[:200], labels[:200], coverage)
            sets = conformal_sets(probabilities[200:], "abcde", threshold)
            held.append(np.mean(["abcde"[label] in found for label, found in zip(labels[200:], sets, strict=True)]))
        error = 3 * np.std(held) / np.sqrt(len(held))
        assert np.mean(held) >= coverage - error

    def test_too_few_photographs_for_the_promise_give_every_class(self):
        threshold = conformal_threshold([[0.9, 0.1]], [0], 0.95)
        assert conformal_sets([[0.7, 0.3]], ("MM", "Nev"), threshold) == [("MM", "Nev")]


class TestRisk:
    @pytest.mark.parametrize(
        ("predicted", "diagnoses", "expected"),
        [
            ("MM", ("MM",), "high_priority"),
            ("ActKer", ("ActKer", "Nev"), "priority"),
            ("Nev", ("Nev",), "normal"),
            ("Nev", ("Nev", "BCC"), "priority"),
            ("Nev", (), "priority"),
            ("Nev", ("Nev", "SebKer", "Haem", "Drmfib"), "priority"),
        ],
    )
    def test_no_case_is_normal_while_anything_serious_is_possible(self, predicted, diagnoses, expected):
        assert risk_level(predicted, diagnoses, abstains(diagnoses, 3)) == expected


def test_the_heat_maps_of_a_scoring_pass_are_those_of_a_pass_of_their_own(workspace, champion, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("dermai.triage.run.write_worklist_page", lambda *given: drawn.append(given[2]))
    folder, params = write_referrals(tmp_path / "new", 5), load_params(workspace.params_file)
    for _ in range(2):  # the second run scores nothing
        run_triage(workspace, params, folder, workspace.root / "out", WHEN)
    assert drawn[0]
    assert drawn[0].keys() == drawn[1].keys()
    for image, heat in drawn[0].items():
        assert heat == pytest.approx(drawn[1][image], abs=1e-3)


def test_a_model_that_crops_sees_the_part_around_the_lesion(workspace, registry, champion, tmp_path):
    folder, params = write_referrals(tmp_path / "new", 5), load_params(workspace.params_file)
    run_triage(workspace, params, folder, workspace.root / "whole", WHEN)
    package = replace(ModelPackage.load(tmp_path / "package"), crop="lesion")
    cropping = registry.register(package.save(tmp_path / "cropping"), {}, "test", {}, {})
    crown(registry, cropping)
    done = run_triage(workspace, params, folder, workspace.root / "cropped", WHEN)
    assert (done.scored_now, done.cases) == (5, 5)
    log, columns = PredictionLog(workspace.prediction_log), [f"p_{name}" for name in CLASSES]
    whole, cropped = (log.read(version).table.set_index("image")[columns] for version in (champion.version, "2"))
    assert (whole.sub(cropped).abs().max(axis=1) > 1e-6).all()
    page = (workspace.root / "cropped" / "worklist.html").read_text()
    assert page.count("data:image/jpeg") > 5, "heat maps are drawn too"


def test_heat_maps_lie_between_0_and_1_and_follow_the_class():
    pixels = np.stack([np.asarray(paint(np.random.default_rng(seed)).resize((64, 64))) for seed in range(3)])
    package = make_package()
    first, second = heat_maps(package, pixels, [0, 0, 0]), heat_maps(package, pixels, [2, 2, 2])
    assert first.shape[0] == 3
    assert first.min() >= 0
    assert first.max() <= 1
    assert not np.allclose(first, second)


@pytest.fixture
def champion(workspace, registry, tmp_path):
    return make_champion(registry, tmp_path)


class TestTriage:
    def run(self, workspace, folder, output="out"):
        params = load_params(workspace.params_file)
        return run_triage(workspace, params, folder, workspace.root / output, WHEN)

    def test_a_folder_becomes_a_worklist_and_the_same_folder_again_changes_nothing(self, workspace, champion, tmp_path):
        folder = write_referrals(tmp_path / "new", 7)
        paint(np.random.default_rng(0), lesion=False).save(folder / "0.jpg")
        (folder / "1.jpg").write_bytes(b"not a photograph")
        done = self.run(workspace, folder)
        assert (done.photographs, done.scored_now, done.retakes, done.cases) == (7, 5, 2, 5)
        log = PredictionLog(workspace.prediction_log)
        assert len(log.read(champion.version).table) == 5
        first = (workspace.root / "out" / "worklist.csv").read_text()
        again = self.run(workspace, folder)
        assert again.scored_now == 0
        assert len(log.read(champion.version).table) == 5
        assert len(read_retakes(log)[0]) == 2
        assert (workspace.root / "out" / "worklist.csv").read_text() == first
        page = (workspace.root / "out" / "worklist.html").read_text()
        assert "The software does not decide" in page
        assert "no lesion in view" in page
        assert "0-3" not in page, "the sender's identifiers stay off the page"

    def test_a_run_that_dies_between_batches_goes_on_where_it_was(self, workspace, champion, tmp_path, monkeypatch):
        folder = write_referrals(tmp_path / "new", 6)
        text = workspace.params_file.read_text().replace("batch: 256", "batch: 2")
        workspace.params_file.write_text(text)
        append, calls = Writer.append, []

        def dies(self, *arguments):
            if len(calls) == 2:
                raise RuntimeError("the power went")
            calls.append(1)
            return append(self, *arguments)

        with monkeypatch.context() as broken:
            broken.setattr(Writer, "append", dies)
            with pytest.raises(RuntimeError, match="power"):
                self.run(workspace, folder)
        assert self.run(workspace, folder).scored_now == 2

    def test_a_disk_that_fills_up_is_said_and_the_next_run_finishes(self, workspace, champion, tmp_path, monkeypatch):
        folder = write_referrals(tmp_path / "new", 4)

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as broken:
            broken.setattr("dermai.triage.scoring.store_photograph", full)
            with pytest.raises(DermaiError, match="the disk is full"):
                self.run(workspace, folder)
        assert self.run(workspace, folder).scored_now == 4

    def test_what_is_kept_of_a_run_does_not_tell_where_it_lies(self, workspace, champion, tmp_path):
        self.run(workspace, write_referrals(tmp_path / "new", 4))
        (kept,) = workspace.root.rglob("triage.json")
        assert not [value for value in strings_in(json.loads(kept.read_text())) if Path(value).is_absolute()]
        assert str(tmp_path) not in kept.read_text()
        assert f"{Path.home()}" not in kept.read_text()

    def test_a_table_without_devices_is_one_of_unknown_devices(self, workspace, champion, tmp_path):
        folder = write_referrals(tmp_path / "new", 4)
        assert "device" not in pd.read_csv(folder / "cases.csv").columns
        assert not [note for note in self.run(workspace, folder).notes if "device" in note]
        assert set(PredictionLog.of(workspace).read(champion.version).table["device"]) == {""}

    def test_a_challenger_scores_in_shadow_and_stays_off_the_worklist(self, workspace, registry, champion, tmp_path):
        other = registry.register(make_package(seed=1).save(tmp_path / "other"), {}, "challenger", {}, {})
        fleet = Fleet(registry)
        record_attempt(workspace, fleet.params, fleet.record(other, "insufficient_evidence"))
        done = self.run(workspace, write_referrals(tmp_path / "new", 3))
        log = PredictionLog(workspace.prediction_log)
        assert done.challenger_version == other.version
        assert log.read(other.version).table["role"].unique().tolist() == ["challenger"]
        assert done.cases == 3

    def test_a_folder_without_a_table_is_refused(self, workspace, champion, tmp_path):
        with pytest.raises(InvalidCases, match=r"no cases\.csv"):
            self.run(workspace, tmp_path)

    def test_a_day_that_is_none_is_refused(self):
        with pytest.raises(InvalidParams, match="2026-13-01"):
            received_time("2026-13-01")

    def test_a_day_that_has_not_come_yet_is_refused(self):
        with pytest.raises(InvalidParams, match="has not come yet"):
            received_time("2236-01-01")


class TestWorklist:
    def test_the_most_urgent_come_first(self, tmp_path):
        rows = pd.DataFrame(
            {
                "image": list("abc"),
                "case_id": ["calm", "worse", "worst"],
                "risk": ["normal", "high_priority", "high_priority"],
                "predicted": ["Nev", "MM", "MM"],
                "diagnoses": ["Nev", "MM BCC", "MM"],
                "p_MM": [0.1, 0.5, 0.8],
                "p_Nev": [0.9, 0.5, 0.2],
                "age": [50.0, np.nan, 70.0],
                "sex": "",
                "body_site": "",
                "site": "",
            }
        )
        cases = worklist_cases(rows, 3)
        assert [case.case_id for case in cases] == ["worst", "worse", "calm"]
        write_worklist_csv(tmp_path / "worklist.csv", cases)
        assert pd.read_csv(tmp_path / "worklist.csv")["position"].tolist() == [1, 2, 3]

    def test_an_empty_folder_gives_an_empty_list(self, tmp_path):
        write_worklist_csv(tmp_path / "worklist.csv", [])
        assert (tmp_path / "worklist.csv").read_text().startswith("position,")
