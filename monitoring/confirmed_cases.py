"""What the diagnoses that came back say of a model, and which of them do not count."""

from __future__ import annotations

from datetime import UTC, datetime

from dermai.config import Params
from dermai.gate.reference_standard import counting, not_counted
from dermai.prediction_log.confirmations import read_confirmations, with_diagnoses
from dermai.prediction_log.log import PredictionLog
from monitoring.assessment import DriftVerdict
from monitoring.history import ConfirmedRecord, sensitivity_record
from monitoring.second_readings import second_readings_so_far
from monitoring.statistics.groups import confirmed_by_class
from monitoring.statistics.looks import Looks


def confirmed_so_far(log: PredictionLog, version: str, params: Params) -> ConfirmedRecord:
    """Sensitivity among all confirmed lesions of this model, tested at the level of one look."""
    columns = ["case_id", "lesion_id", "predicted", "site", "device"]
    confirmed = set(read_confirmations(log)[0]["case_id"])
    table = with_diagnoses(log, log.read(version, columns, only=("case_id", confirmed)).table)
    table = table[counting(params.gate, table["diagnosis"], table["confirmed_by"]) & (table["diagnosis"] != "")]
    classes, confidence, floors = params.gate.gated_classes, params.monitoring.confidence, params.gate.floors
    found = confirmed_by_class(table, table.iloc[:0], classes, confidence, floors)
    looks = Looks(params.monitoring.watch, params.monitoring.act, params.monitoring.looks)
    tested = [each.p_value for each in found if each.cases and each.floor is not None]
    smallest = min(1.0, len(tested) * min(tested)) if tested else 1.0
    verdict: DriftVerdict = "too_few"
    if tested:
        verdict = "act" if smallest <= looks.act_each_look else "watch" if smallest <= looks.watch else "stable"
    groups = {}
    for kind in ("site", "device"):
        for name, inside in table.groupby(table[kind].replace("", "unknown")):
            each = confirmed_by_class(inside, table.iloc[:0], classes, confidence, floors)
            if any(one.cases for one in each):
                groups[f"{kind} {name}"] = tuple(sensitivity_record(one) for one in each)
    return ConfirmedRecord(
        at=datetime.now(UTC),
        lesions=int(table["lesion_id"].nunique()),
        verdict=verdict,
        classes=tuple(sensitivity_record(one) for one in found),
        groups=groups,
        second_readings=second_readings_so_far(log, version, params),
    )


def without_standard(log: PredictionLog, version: str, params: Params) -> tuple[str, ...]:
    """What was confirmed in a way that does not count, lesion by lesion."""
    known = read_confirmations(log)[0]
    scored = log.read(version, ["lesion_id"], only=("lesion_id", set(known["lesion_id"]))).table["lesion_id"]
    known = known[known["lesion_id"].isin(scored)].drop_duplicates("lesion_id", keep="last")
    return not_counted(params.gate, known["diagnosis"], known["confirmed_by"].fillna(""))
