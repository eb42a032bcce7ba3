"""A candidate scores the logged referrals: what it would have sorted otherwise, and what it may not tell."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from dermai.config import load_params
from dermai.data.cases import photograph_path
from dermai.models.package_network import PackageNetwork
from dermai.prediction_log.confirmations import confirm
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.sortings import record_sortings
from dermai.records.referral_replay import ConfirmedCases
from dermai.triage.referral_replay import NOT_DECODED, replay
from dermai.triage.run import run_triage
from dermai.triage.scoring import triage_folder
from tests.triage.decided_models import always, make_decided_champion
from tests.triage.referrals import write_referrals
from tests.triage.test_run import WHEN

NORMAL, URGENT = "normal", "high_priority"


@pytest.fixture
def service(workspace, registry, tmp_path):
    """Four cases of January that version 1 called naevi, three of March that version 2 called melanomas."""
    params = load_params(workspace.params_file)
    make_decided_champion(registry, tmp_path, "Nev")
    triage(workspace, params, write_referrals(tmp_path / "january", 4, seed=1), WHEN - timedelta(days=59))
    make_decided_champion(registry, tmp_path, "MM")
    triage(workspace, params, write_referrals(tmp_path / "march", 3, seed=2), WHEN)
    return workspace


def triage(workspace, params, folder, when):
    # Given days count for patients who do not exist, and the log's clock cannot be turned back
    table = pd.read_csv(folder / "cases.csv").assign(site="simulated centre A")
    table.to_csv(folder / "cases.csv", index=False)
    run_triage(workspace, params, folder, workspace.root / "out", when)


def replayed(service, package, **settings):
    return replay(service, load_params(service.params_file, settings), package)


def cases_of(service, version):
    return list(PredictionLog.of(service).read(version).table["case_id"])


def confirmed(service, tmp_path, rows):
    file = tmp_path / "diagnoses.csv"
    pd.DataFrame(rows, columns=["case_id", "diagnosis", "confirmed_by"]).to_csv(file, index=False)
    done = confirm(PredictionLog.of(service), file)
    assert done.refused.empty


def test_each_case_is_compared_with_what_the_version_of_its_time_answered(service):
    calm = replayed(service, always("Nev")).counts
    assert calm.not_learnt.moves == {URGENT: {NORMAL: 3}, NORMAL: {NORMAL: 4}}
    assert (calm.not_learnt.newly_normal, calm.versions, calm.in_months, calm.scored) == (3, ("1", "2"), 7, 7)
    anxious = replayed(service, always("MM")).counts
    assert anxious.not_learnt.moves == {URGENT: {URGENT: 3}, NORMAL: {URGENT: 4}}
    assert "sorts 4 otherwise than was done then: 0 as normal that were to be read, 4 to be read" in anxious.sentence
    assert "that were normal, 0 under another level of those to be read." in anxious.sentence


def test_triaged_again_by_a_later_version_the_first_answer_counts(service, tmp_path):
    params = load_params(service.params_file)
    run_triage(service, params, tmp_path / "january", service.root / "out", WHEN)
    assert len(cases_of(service, "2")) == 7
    assert replayed(service, always("Nev")).counts.not_learnt.moves == {URGENT: {NORMAL: 3}, NORMAL: {NORMAL: 4}}


def test_its_answers_are_those_that_triage_would_have_given(service, registry, tmp_path):
    package = always("BCC")
    found = {case.case_id: case.after for case in replayed(service, package).cases}
    make_decided_champion(registry, tmp_path, "BCC")
    params = load_params(service.params_file)
    run_triage(service, params, tmp_path / "march", service.root / "out", WHEN)
    rows = PredictionLog.of(service).read("3").table
    assert len(rows) == 3
    for row in rows.to_dict("records"):
        answer = found[row["case_id"]]
        assert (answer.risk, answer.called) == (row["risk"], row["predicted"])
        assert answer.probability == pytest.approx(row[f"p_{row['predicted']}"], abs=1e-6)


def test_confirmed_cancers_come_first_and_are_counted_as_found_or_missed(service, tmp_path):
    sent_home, urgent = cases_of(service, "1"), cases_of(service, "2")
    rows = [(sent_home[0], "MM", "histology"), (urgent[1], "BCC", "histology"), (urgent[0], "MM", "reading")]
    confirmed(service, tmp_path, [*rows, (urgent[2], "Nev", "consensus")])
    found = replayed(service, always("Nev"))
    assert found.counts.not_learnt.confirmed == {
        "MM": ConfirmedCases(missed_by_both=1), "BCC": ConfirmedCases(newly_missed=1)
    }  # fmt: skip
    assert "Of 1 confirmed BCC it sorts as normal 1 that was to be read" in found.counts.sentence
    kinds = [case.kind for case in found.cases]
    assert kinds == ["newly normal"] * 3 + ["missed by both"] + [""] * 3
    assert (found.cases[0].case_id, found.cases[0].cancer, found.cases[0].diagnosis) == (urgent[1], "BCC", "BCC")
    assert found.cases[3].case_id == sent_home[0]
    again = replayed(service, always("MM")).counts.not_learnt.confirmed
    assert again == {"MM": ConfirmedCases(newly_found=1), "BCC": ConfirmedCases(found_by_both=1)}


def test_patients_from_whom_the_candidate_has_learnt_are_counted_apart(service):
    rows = PredictionLog.of(service).read("2").table
    found = replayed(service, always("Nev", tuple(rows["patient_id"][:2])))
    assert found.counts.learnt.moves == {URGENT: {NORMAL: 2}}
    assert found.counts.not_learnt.moves == {URGENT: {NORMAL: 1}, NORMAL: {NORMAL: 4}}
    assert [case.learnt for case in found.cases[:3]] == [False, True, True]
    assert "2 more cases are of patients from whom it has learnt since" in found.counts.sentence


def test_only_the_last_months_are_scored_and_of_these_confirmed_cancers_before_the_newest(service, tmp_path):
    one = replayed(service, always("Nev"), **{"triage.replay.months": 1}).counts
    assert (one.in_months, one.not_learnt.moves) == (3, {URGENT: {NORMAL: 3}})
    old = cases_of(service, "1")[2]
    confirmed(service, tmp_path, [(old, "MM", "histology")])
    few = replayed(service, always("Nev"), **{"triage.replay.most_cases": 2})
    assert few.counts.scored == 2
    assert few.counts.in_months == 7
    assert {case.case_id for case in few.cases} > {old}


@pytest.mark.parametrize("setting", ["triage.replay.months", "triage.replay.most_cases"])
def test_zero_switches_it_off(service, setting):
    off = replayed(service, always("Nev"), **{setting: 0}).counts
    assert off.sentence == "No logged referral was scored: `triage.replay` switches it off."
    assert not off.has_page


def test_the_answer_to_an_open_second_reading_stays_hidden_until_it_is_read(service, tmp_path):
    drawn = cases_of(service, "1")[0]
    row = {"case_id": drawn, "patient_id": "p", "model_version": "1", "risk": NORMAL, "probability": 0.02}
    record_sortings(PredictionLog.of(service), pd.DataFrame([row | {"drawn": True}]), WHEN)
    found = replayed(service, always("MM"))
    assert found.counts.hidden == 1
    assert found.counts.not_learnt.moves[NORMAL] == {URGENT: 3}
    assert drawn not in {case.case_id for case in found.cases}
    confirmed(service, tmp_path, [(drawn, "Nev", "reading")])
    read = replayed(service, always("MM"))
    assert read.counts.hidden == 0
    (case,) = [case for case in read.cases if case.case_id == drawn]
    assert case.second_reading


def test_without_referrals_a_champion_or_photographs_it_says_so(workspace, registry, tmp_path):
    params = load_params(workspace.params_file)
    assert "No logged referral was scored: none is logged." in replay(workspace, params, always("Nev")).counts.sentence
    triage(workspace, params, write_referrals(tmp_path / "none", 2, seed=3), WHEN)
    found = replay(workspace, params, always("Nev")).counts
    assert (found.unanswered, found.has_page) == (2, False)
    assert "no champion's answer may be compared yet" in found.sentence
    make_decided_champion(registry, tmp_path, "Nev")
    triage(workspace, params, write_referrals(tmp_path / "one", 2, seed=4), WHEN)
    for image in PredictionLog.of(workspace).read("1").table["image"]:
        photograph_path(triage_folder(workspace), image).unlink()
    found = replay(workspace, params, always("Nev")).counts
    assert (found.not_kept, found.has_page) == (2, False)
    assert "their photographs are not kept any more" in found.sentence


def test_a_photograph_that_is_damaged_costs_its_own_case_alone(service):
    image = PredictionLog.of(service).read("2").table["image"].iloc[0]
    path = photograph_path(triage_folder(service), image)
    path.write_bytes(path.read_bytes()[:100])
    for file in (service.cache / "pixels").iterdir():
        file.unlink()
    found = replayed(service, always("Nev"))
    assert found.failures == {image: NOT_DECODED}
    assert (found.counts.failed, found.counts.scored) == (1, 6)
    assert "It failed on a photograph of 1 case." in found.counts.sentence


def test_a_candidate_that_fails_on_one_photograph_is_asked_about_each_of_the_others(service, monkeypatch):
    image = PredictionLog.of(service).read("1").table["image"].iloc[1]
    package = always("MM")
    from dermai.models.package_network import model_pixels

    pixels = model_pixels(package, service.cache)
    pixels.fill([image], triage_folder(service))
    bad = pixels.read([image])[0]
    answer = PackageNetwork.logits

    def stumble(self, seen):
        if any(np.array_equal(one, bad) for one in seen):
            raise RuntimeError("out of memory")
        return answer(self, seen)

    monkeypatch.setattr(PackageNetwork, "logits", stumble)
    found = replayed(service, package)
    assert found.failures == {image: "RuntimeError: out of memory"}
    assert found.counts.scored == 6
    monkeypatch.setattr(PackageNetwork, "logits", lambda self, seen: answer(self, seen) * np.nan)
    assert set(replayed(service, package).failures.values()) == {"its answer is no number"}


def test_the_counts_name_no_case_and_no_patient(service):
    rows = pd.concat([PredictionLog.of(service).read(version).table for version in ("1", "2")])
    said = replayed(service, always("Nev")).counts.model_dump_json()
    assert not [name for column in ("case_id", "patient_id", "image") for name in rows[column] if name in said]
