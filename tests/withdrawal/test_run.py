"""A patient takes consent back: everything goes, whatever is killed on the way, and nobody else loses anything."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from dermai.audit import AuditLog
from dermai.backup import back_up
from dermai.data.cases import read_cases
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import DermaiError, InvalidParams
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.withdrawn_versions import withdrawn_versions
from dermai.records.log import records_of
from dermai.records.withdrawals import WithdrawalBegun, WithdrawalEnded
from dermai.registry.registry import Registry
from dermai.withdrawal.kept import KeptPlaces, kept_places
from dermai.withdrawal.run import Withdrawal
from dermai.withdrawal.verification import search, verify_withdrawn
from monitoring.history import read_history
from tests.withdrawal.hospital import PATIENT, inbox_files


class Killed(BaseException):
    """The process is gone."""


def killed_after(number: int):
    """Die after so many places."""
    left = iter(range(number))

    def watch(place: str) -> None:
        if next(left, None) is None:
            raise Killed(place)

    return watch


def killed_at(where: str):
    """Die before this."""

    def watch(place: str) -> None:
        if place == where:
            raise Killed(place)

    return watch


def places_of(found) -> set[str]:
    return {part for find in found for part in find.file.parts} | {find.file.name for find in found}


def test_the_search_finds_the_patient_everywhere_before_and_nowhere_after(withdrawal: Withdrawal) -> None:
    workspace, params = withdrawal.workspace, withdrawal.params
    traces, found, learnt = withdrawal.rehearse()
    assert len(traces.images) == 3
    assert {reference.version for reference in learnt} == {"1", "2"}
    nothing_kept = KeptPlaces({}, workspace.service_database, frozenset())
    before = search(workspace, nothing_kept, traces)
    assert places_of(before.finds) >= {
        "cases.csv", "images", "cache", "remote", "quarantine", "referrals", "predictions", "confirmations", "inbox",
        "triage", "perceptual_hashes.npz", "worklist.html", "worklist.csv", "report.html", "test_predictions.parquet",
        "evidently", "zenml", "data.tar.gz", "mlartifacts", "m-0123456789abcdef", "service.db", "features",
    }  # fmt: skip
    assert all(not removal.place.startswith("-") for removal in found)
    assert not AuditLog(workspace.audit_log).entries("withdrawal_begun"), "a rehearsal writes nothing"

    done = withdrawal.run()

    registry = Registry(workspace, params)
    assert [version.version for version in registry.versions()] == ["1"], "a version that no alias needs is deleted"
    assert "the package of version 1 (anchor, champion)" in " ".join(done.kept.values())
    keys = load_pseudonyms(workspace)
    assert not verify_withdrawn(workspace, params, keys, withdrawal.asked).finds
    records = AuditLog(workspace.audit_log)
    assert records.verify().ok
    assert [len(records_of(records, kind)) for kind in (WithdrawalBegun, WithdrawalEnded)] == [1, 1]
    assert b"".join(traces.words)[:21].decode() not in workspace.audit_log.read_text()
    assert not any(word in workspace.audit_log.read_bytes() for word in traces.words)
    assert withdrawn_versions(records)["1"].startswith("learnt a patient who took consent back")
    assert "its package was deleted" in withdrawn_versions(records)["2"]


def test_what_is_of_others_stays_as_it_was(withdrawal: Withdrawal) -> None:
    workspace = withdrawal.workspace
    numbers, log = SenderNumbers(load_pseudonyms(workspace)), PredictionLog.of(workspace)
    mine = numbers.patient(PATIENT)
    before = log.read("1").table
    withdrawal.run()
    left = log.read("1").table
    others = before[before["patient_id"] != mine]
    assert len(before) > len(others) == len(left)
    assert set(left["image"]) == set(others["image"])
    assert not log.problems()
    assert list(read_confirmations(log)[0]["case_id"]) == [numbers.case("3-1")]
    cases = read_cases(workspace.cases_file)
    assert len(cases) == 5
    assert mine not in set(cases["patient_id"])
    assert inbox_files(workspace) == [numbers.case("I-2")]
    judged = read_history(workspace, "1").judged
    assert judged
    names = {part.name for part in log.parts("1")}
    assert names - {*judged.whole, *judged.rows} == set(), "what was judged stays judged"
    store = workspace.root.parent / "zenml" / "local_stores" / "0123"
    assert len(pd.read_parquet(store / "df.parquet.gzip")) == 5
    page = (workspace.reports / "incremental_finetune" / "a" / "report.html").read_text()
    assert page.startswith("<p>missed</p>")
    assert "base64" not in page


def test_a_withdrawal_that_is_killed_at_ten_points_ends_complete(withdrawal: Withdrawal) -> None:
    seen: list[str] = []
    deaths = [*map(killed_after, (0, 1, 2, 2, 3, 3, 5, 5)), killed_at("search"), killed_at("end")]
    for watch in deaths:
        with pytest.raises(Killed) as death:
            withdrawal.run(watch)
        seen.append(str(death.value))
    assert len({*seen}) == 10, seen
    done = withdrawal.run()
    assert done.learnt_by
    found = verify_withdrawn(
        withdrawal.workspace, withdrawal.params, load_pseudonyms(withdrawal.workspace), withdrawal.asked
    )
    assert not found.finds
    records = AuditLog(withdrawal.workspace.audit_log)
    assert [len(records_of(records, kind)) for kind in (WithdrawalBegun, WithdrawalEnded)] == [1, 1]
    assert PredictionLog.of(withdrawal.workspace).problems() == ()


def test_a_backup_with_the_patient_is_dropped_once_a_newer_one_is_without(withdrawal: Withdrawal) -> None:
    folder = withdrawal.workspace.root.parent / "backups"
    done = withdrawal.run()
    assert done.backups == (folder / "2026-03-01",)
    dropping = replace(withdrawal, drop_backups=True)
    with pytest.raises(DermaiError, match="take a new backup first"):
        dropping.run()
    back_up(withdrawal.workspace, withdrawal.params, folder / "2026-03-02")
    assert dropping.run().backups == ()
    assert [path.name for path in folder.iterdir()] == ["2026-03-02"]


def test_a_named_person_answers_for_it_and_a_patient_whom_nobody_knows_is_an_error(withdrawal: Withdrawal) -> None:
    with pytest.raises(InvalidParams, match="--approver"):
        replace(withdrawal, asked=replace(withdrawal.asked, approver="")).run()
    with pytest.raises(DermaiError, match="nothing here knows the patient '4711'"):
        replace(withdrawal, asked=replace(withdrawal.asked, patient="4711")).run()
    assert len(read_cases(withdrawal.workspace.cases_file)) == 6


def test_the_pseudonym_names_the_patient_too(withdrawal: Withdrawal) -> None:
    pseudonym = SenderNumbers(load_pseudonyms(withdrawal.workspace)).patient(PATIENT)
    traces, _, _ = replace(withdrawal, asked=replace(withdrawal.asked, patient=pseudonym)).rehearse()
    assert traces.patients == (pseudonym,)
    assert len(traces.images) == 3
    assert kept_places(withdrawal.workspace, None).folders


def test_a_second_patient_leaves_a_remote_that_has_no_listing_any_more(withdrawal: Withdrawal) -> None:
    withdrawal.run()
    another = replace(withdrawal, asked=replace(withdrawal.asked, patient="3-1"))
    another.run()
    keys = load_pseudonyms(withdrawal.workspace)
    assert not verify_withdrawn(withdrawal.workspace, withdrawal.params, keys, another.asked).finds
