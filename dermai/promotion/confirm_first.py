"""The list of cases whose diagnoses would bring the open shadow tests nearest to a decision, drawn and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.data.pseudonyms import Pseudonyms
from dermai.data.tables import csv_text
from dermai.errors import Refused
from dermai.evaluation.predictions import PREFIX, per_lesion
from dermai.files import sha256_file, write_text
from dermai.gate.confirm_first import called_by_any, drawing_probabilities
from dermai.gate.results import LesionResults, aligned
from dermai.models.package import ModelPackage
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import KEY
from dermai.promotion.history import latest_attempt, waiting_version
from dermai.promotion.shadow_evidence import is_simulated, learnt_patients, referral_times
from dermai.records.moves import ConfirmFirstDrawn
from dermai.registry.registry import Registry
from dermai.registry.versions import ANCHOR, CHAMPION
from dermai.workspace import Workspace


@dataclass(frozen=True)
class ConfirmFirst:
    """The drawn cases in a random order; `table` has every case that could be drawn, with its probability."""

    version: str
    cases: tuple[str, ...]
    table: pd.DataFrame
    file: Path | None


def draw_confirm_first(workspace: Workspace, params: Params, pseudonyms: Pseudonyms, number: int) -> ConfirmFirst:
    """Draw about `number` unconfirmed cases for the challenger that waits, and record all probabilities, signed.

    A case can be drawn where the models have scored it, its patient taught none of them, no diagnosis has come back and
    its follow-up still runs, so that a diagnosis of today counts. The draw follows from the pseudonym key, the case and
    the challenger: asked again for the same cases it is the same.

    Raises:
        Refused: no challenger waits for evidence beside a champion.
    """
    audit, registry = AuditLog(workspace.audit_log), Registry(workspace, params)
    waiting, champion = waiting_version(audit), registry.by_alias(CHAMPION) if Registry.exists(workspace) else None
    attempt = latest_attempt(audit, waiting) if waiting else None
    if waiting is None or attempt is None or champion is None or champion.version == waiting:
        raise Refused("no challenger waits for evidence beside a champion: any diagnosis is as good as another")
    log, anchor = PredictionLog.of(workspace), registry.by_alias(ANCHOR)
    versions = [waiting, champion.version]
    if anchor is not None and anchor.version not in versions and anchor.version in log.model_versions():
        versions.append(anchor.version)
    packages = [ModelPackage.load(registry.download(version)) for version in versions]
    rows = _open_rows(log, params, versions, packages, pd.Timestamp(attempt.time))
    results = [_results(table, package) for table, package in zip(rows, packages, strict=True)]
    models = [results[0], *(aligned(results[0], found, "another model") for found in results[1:])]
    case_of = rows[0].drop_duplicates("lesion_id").set_index("lesion_id")["case_id"]
    called = pd.Series(called_by_any(params.gate, models), index=case_of.reindex(models[0].lesion_id).to_numpy())
    by_case = called.groupby(level=0).any()
    table = pd.DataFrame({"case_id": by_case.index, "called": by_case.to_numpy(dtype=bool)})
    table = table.assign(probability=drawing_probabilities(table["called"].to_numpy(dtype=bool), number))
    chances = [pseudonyms.draw(f"confirm first {waiting}", case) for case in table["case_id"]]
    table = table.assign(drawn=[u < p for u, p in zip(chances, table["probability"], strict=True)], _order=chances)
    order = table.assign(_order=table["_order"] / table["probability"].clip(lower=1e-12))
    cases = tuple(order[order["drawn"]].sort_values("_order")["case_id"])
    file = _record(workspace, audit, waiting, table.drop(columns="_order")) if len(table) else None
    return ConfirmFirst(waiting, cases, table.drop(columns="_order"), file)


def _open_rows(
    log: PredictionLog, params: Params, versions: list[str], packages: list[ModelPackage], made_at: pd.Timestamp
) -> list[pd.DataFrame]:
    """What each model said of the photographs that count, the same in each table."""
    columns = ["case_id", "lesion_id", "patient_id", "sex", "age", "skin_type", "site"]
    rows = [
        log.read(version, [*columns, *(PREFIX + code for code in package.classes)]).table
        for version, package in zip(versions, packages, strict=True)
    ]
    keys = [pd.MultiIndex.from_frame(table[list(KEY)]) for table in rows]
    common = set.intersection(*(set(found) for found in keys))
    times = referral_times(log, set(rows[0]["lesion_id"]), versions, is_simulated(packages[0]))
    end = pd.to_datetime(times["referred_at"], utc=True) + pd.Timedelta(days=params.gate.shadow.follow_up_days)
    runs = (end > pd.Timestamp.now(tz="UTC")) & (pd.to_datetime(times["first_seen"], utc=True) > made_at)
    confirmed = set(read_confirmations(log)[0]["case_id"])
    learnt, counts = learnt_patients(packages), set(times.index[runs])
    return [
        table[
            key.isin(list(common))
            & table["lesion_id"].isin(counts)
            & ~table["patient_id"].isin(learnt)
            & ~table["case_id"].isin(confirmed)
        ].reset_index(drop=True)
        for table, key in zip(rows, keys, strict=True)
    ]


def _results(table: pd.DataFrame, package: ModelPackage) -> LesionResults:
    unknown = table.assign(diagnosis="")
    return LesionResults.from_table(per_lesion(unknown, package.operating_points, package.call_rule))


def _record(workspace: Workspace, audit: AuditLog, version: str, table: pd.DataFrame) -> Path:
    file = workspace.state / "confirm_first" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.csv"
    write_text(file, csv_text(table))
    audit.append(
        ConfirmFirstDrawn(
            version=version, file=file.name, file_sha256=sha256_file(file), cases=len(table),
            drawn=int(table["drawn"].sum()),
        )
    )  # fmt: skip
    return file
