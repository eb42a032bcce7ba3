"""A small hospital's workspace with one patient in everything that dermai keeps, made once and copied for each test."""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from dermai.backup import back_up
from dermai.config import Params, load_params
from dermai.data.cases import photograph_path, read_cases
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.exchange.fhir_diagnosis import RefusedDiagnosis
from dermai.files import write_json, write_text
from dermai.inbox.entries import Inbox
from dermai.ingest.dermai_cases import read_dermai_cases
from dermai.ingest.intake import take_in
from dermai.models.package import MANIFEST_COLUMNS
from dermai.prediction_log.confirmations import confirm
from dermai.registry.registry import Registry
from dermai.report.thumbnails import thumbnail
from dermai.triage.run import received_time, run_triage
from dermai.workspace import Workspace
from monitoring.history import History, write_history
from monitoring.judged_rows import JudgedRows
from tests.inbox.sent import photograph, receiving, referral, send
from tests.packages import CLASSES, make_package
from tests.records.made import crown
from tests.triage.referrals import write_referrals
from web.accounts.people import add_account
from web.accounts.roles import Role
from web.accounts.tables import CaseAccess
from web.database import migrate, open_database
from web.frame.refused_diagnoses import keep_refusal
from web.reading.drafts import DraftReading, keep_draft

PATIENT = "3-0"  # the hospital's own number, as `write_referrals` numbers them
KEYS = ("DERMAI_PSEUDONYM_KEY_FILE", "DERMAI_AUDIT_KEY_FILE")
OTHERS = ("workspace", "keys", "remote", "zenml", "backups")


def use(folder: Path, patch: pytest.MonkeyPatch) -> tuple[Workspace, Params]:
    """The workspace in a folder, with the keys and the stores beside it."""
    for name, file in zip(KEYS, ("pseudonym.key", "audit.key"), strict=True):
        patch.setenv(name, str(folder / "keys" / file))
    patch.setenv("ZENML_CONFIG_PATH", str(folder / "zenml"))
    patch.setenv("DERMAI_WORKSPACE", str(folder / "workspace"))
    patch.setenv("DVC_SITE_CACHE_DIR", str(folder / "site-cache"))
    for name in ("MLFLOW_TRACKING_URI", "DERMAI_PROFILE", "DERMAI_DATABASE_URL"):
        patch.delenv(name, raising=False)
    workspace = Workspace(folder / "workspace")
    return workspace, load_params(workspace.params_file, {"clockwork.backup_folder": str(folder / "backups")})


def build(folder: Path, params_file: str, mlflow_store: Path, patch: pytest.MonkeyPatch) -> None:
    """Fill a folder: the patient is in the dataset, learnt, referred, answered, confirmed, reported and backed up."""
    root = folder / "workspace"
    root.mkdir(parents=True)
    write_text(root / "params.yaml", params_file)
    workspace, params = use(folder, patch)
    shutil.copy(mlflow_store, root)
    _dataset(folder, workspace, params)
    registry = Registry(workspace, params)
    _models(registry, folder)
    _referrals(folder, workspace, params)
    _pages(folder, workspace)
    _service(workspace)
    back_up(workspace, params, folder / "backups" / "2026-03-01")


def _dataset(folder: Path, workspace: Workspace, params: Params) -> None:
    delivery = write_referrals(folder / "delivery", 6, seed=3)
    table = pd.read_csv(delivery / "cases.csv", dtype=str)
    for name, column in (("diagnosis", ["NEV", "BCC", "MEL"] * 2), ("source", ["dermai"] * 6)):
        table[name] = column
    write_text(delivery / "unreadable.jpg", "no photograph")
    table.loc[len(table)] = table.loc[0].to_dict() | {"image": "unreadable.jpg"}
    table["diagnosis"] = [CLASSES[number % 3] for number in range(len(table))]
    table.loc[len(table) - 1, "diagnosis"] = table.loc[0, "diagnosis"]
    table.to_csv(delivery / "cases.csv", index=False)
    report = take_in(read_dermai_cases(delivery), workspace, params)
    assert report.rejections, "a photograph of the patient is in quarantine"
    assert len(read_cases(workspace.cases_file)) == 6
    from dvc.repo import Repo

    repository = Repo.init(str(workspace.root), no_scm=True)
    repository.close()
    write_text(
        workspace.root / ".dvc" / "config",
        "[core]\n    analytics = false\n    no_scm = true\n    remote = beside\n['remote \"beside\"']\n"
        "    url = ../../remote\n",
    )
    with Repo(str(workspace.root)) as opened:
        opened.add([str(workspace.data)])
        opened.push()


def _models(registry: Registry, folder: Path) -> None:
    cases = read_cases(registry.workspace.cases_file)
    for number in range(2):
        package = replace(make_package(number), manifest=cases.assign(split="train")[list(MANIFEST_COLUMNS)])
        version = registry.register(package.save(folder / "packages" / str(number)), {}, "test", {}, {})
        if number == 0:
            crown(registry, version)
    shutil.copytree(  # a version that was deleted by MLflow's own means leaves its files
        next(path for path in (registry.workspace.root / "mlartifacts").rglob("m-*") if path.is_dir()),
        registry.workspace.root / "mlartifacts" / "models" / "m-0123456789abcdef",
    )
    shutil.rmtree(folder / "packages")


def _referrals(folder: Path, workspace: Workspace, params: Params) -> None:
    referrals = write_referrals(workspace.root / "referrals", 5, seed=3)
    run_triage(workspace, params, referrals, workspace.reports / "triage_cases" / "a", received_time(""))
    with receiving(workspace, params) as service:
        send(service, referral(photograph(folder / "sent", 11), case="I-1", patient=PATIENT))
        send(service, referral(photograph(folder / "sent", 12), case="I-2", patient="somebody else"))
        send(service, referral(photograph(folder / "sent", 13, blurred=True), case="I-3", patient=PATIENT))
    numbers = SenderNumbers(load_pseudonyms(workspace))
    write_text(folder / "histology.csv", f"case_id,diagnosis\n{numbers.case('3-0')},BCC\n{numbers.case('3-1')},MM\n")
    from dermai.prediction_log.log import PredictionLog

    log = PredictionLog.of(workspace)
    assert confirm(log, folder / "histology.csv").accepted == 2
    parts = [part.name for part in log.parts("1")]
    judged = JudgedRows(whole=frozenset(parts[1:]), rows={parts[0]: (0,)})
    write_history(workspace, History(model_version="1", judged=judged))


def _pages(folder: Path, workspace: Workspace) -> None:
    cases, numbers = read_cases(workspace.cases_file), SenderNumbers(load_pseudonyms(workspace))
    mine = cases["patient_id"] == numbers.patient(PATIENT)
    image, other = cases.loc[mine, "image"].iloc[0], cases.loc[~mine, "image"].iloc[0]
    report = workspace.reports / "incremental_finetune" / "a"
    pictures = [f'<img src="{thumbnail(photograph_path(workspace.data, name))}">' for name in (image, other)]
    write_text(report / "report.html", f"<p>missed</p>{''.join(pictures)}")  # a picture and no name
    report.joinpath("test_predictions.parquet").write_bytes(b"")
    cases[["image", "patient_id", "diagnosis"]].to_parquet(report / "test_predictions.parquet")
    write_json(workspace.state / "evidently" / "1" / "snapshots" / "a.json", {"newest": [image, other]})
    store = folder / "zenml" / "local_stores" / "0123"
    write_json(store / "update_plan" / "data.json", {"new": [image, other]})
    (store / "candidate").mkdir(parents=True)
    with tarfile.open(store / "candidate" / "data.tar.gz", "w:gz") as archive:
        archive.add(workspace.cases_file, "manifest.csv")
    cases.to_parquet(store / "df.parquet.gzip")


def _service(workspace: Workspace) -> None:
    numbers = SenderNumbers(load_pseudonyms(workspace))
    database = open_database(workspace)
    try:
        migrate(database)
        with database.writing() as session:
            account = add_account(session, "a.silva", "A. Silva", Role.DERMATOLOGIST)
            session.flush()
            number = account.id
            when = datetime.now(UTC)
            session.add(
                CaseAccess(at=when, account_id=number, role="dermatologist", case_id=numbers.case(PATIENT), what="read")
            )
        for case in (PATIENT, "3-1"):
            draft = DraftReading("BCC", "", f"of the case {numbers.case(case)}")
            keep_draft(database, number, numbers.case(case), numbers.lesion(case, case), draft)
            refused = RefusedDiagnosis(numbers.case(case), numbers.lesion(case, case), "BCC", "histology", 0)
            keep_refusal(database, refused, "dermai_12345678")
    finally:
        database.close()


def inbox_files(workspace: Workspace) -> list[str]:
    """The referrals that were sent in."""
    return [json.loads(file.read_bytes())["case_id"] for file in Inbox.of(workspace).files()]
