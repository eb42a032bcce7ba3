"""A patient takes consent back: everything goes, whatever is killed on the way, and nobody else loses anything."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from dermai.audit import AuditLog
from dermai.backup import back_up
from dermai.backup.contents import as_json
from dermai.data.cases import read_cases
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import DermaiError, InvalidParams
from dermai.files import write_json, write_text
from dermai.models.package import MANIFEST_COLUMNS
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
from tests.packages import make_package
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


def test_a_version_that_an_update_registered_meanwhile_is_marked_when_it_is_run_again(
    withdrawal: Withdrawal, tmp_path: Path
) -> None:
    workspace = withdrawal.workspace
    cases = read_cases(workspace.cases_file)
    withdrawal.run()
    package = replace(make_package(2), manifest=cases.assign(split="train")[list(MANIFEST_COLUMNS)])
    version = Registry(workspace, withdrawal.params).register(package.save(tmp_path / "package"), {}, "test", {}, {})
    done = withdrawal.run()
    assert version.version in {reference.version for reference in done.learnt_by}
    assert version.version in withdrawn_versions(AuditLog(workspace.audit_log))
    assert [one.version for one in Registry(workspace, withdrawal.params).versions()] == ["1"]


def test_a_patient_of_whom_everything_was_rejected_leaves_delivery_and_quarantine(withdrawal: Withdrawal) -> None:
    root = withdrawal.workspace.root
    rows = "image,case_id,patient_id\na.jpg,77-1,4711\nb.jpg,78-1,4712\n"
    write_text(root / "deliveries" / "may" / "cases.csv", rows)
    write_text(
        root / "quarantine" / "may" / "reasons.csv", "file,case,reason,fix\na.jpg,77-1,why,fix\nb.jpg,78-1,why,fix\n"
    )
    for folder in ("deliveries", "quarantine"):
        for name in ("a.jpg", "b.jpg"):
            write_text(root / folder / "may" / name, f"the photograph {name}")
    replace(withdrawal, asked=replace(withdrawal.asked, patient="4711")).run()
    left = {str(path.relative_to(root)) for path in root.glob("*/may/*")}
    assert left == {f"{folder}/may/{name}" for folder, name in (
        ("deliveries", "cases.csv"), ("deliveries", "b.jpg"), ("quarantine", "reasons.csv"), ("quarantine", "b.jpg"),
    )}  # fmt: skip
    assert "4711" not in (root / "deliveries" / "may" / "cases.csv").read_text()
    assert "77-1" not in (root / "quarantine" / "may" / "reasons.csv").read_text()


def test_a_name_that_leads_out_of_the_quarantine_deletes_nothing(withdrawal: Withdrawal) -> None:
    reasons = next(withdrawal.workspace.quarantine.rglob("reasons.csv"))
    case = pd.read_csv(reasons, dtype=str)["case"].iloc[0]
    outside = withdrawal.workspace.quarantine.parent / "of_others.jpg"
    write_text(outside, "a file of others")
    name = Path(os.path.relpath(outside, reasons.parent)).as_posix()
    write_text(reasons, f"{reasons.read_text()}{name},{case},why,fix\n{outside},{case},why,fix\n")
    withdrawal.run()
    assert outside.is_file()
    assert not reasons.exists()


def test_the_reason_does_not_bring_the_patient_into_the_signed_log(withdrawal: Withdrawal) -> None:
    named = replace(withdrawal, asked=replace(withdrawal.asked, reason=f"patient {PATIENT} called"))
    with pytest.raises(InvalidParams, match="names the patient"):
        named.run()
    assert not AuditLog(withdrawal.workspace.audit_log).entries("withdrawal_begun")


def test_a_backup_of_another_workspace_takes_the_place_of_none(withdrawal: Withdrawal) -> None:
    withdrawal.run()
    folder = withdrawal.workspace.root.parent / "backups"
    saved = back_up(withdrawal.workspace, withdrawal.params, folder / "2026-03-02")
    write_json(saved.folder / "manifest.json", as_json(saved.manifest.model_copy(update={"audit_log": "another"})))
    with pytest.raises(DermaiError, match="take a new backup first"):
        replace(withdrawal, drop_backups=True).run()
    assert len(list(folder.iterdir())) == 2
