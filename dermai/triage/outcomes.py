"""What becomes of each case that was handed in: to read, to photograph again, set aside, or confirmed already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass

import pandas as pd

from dermai.language.messages import message
from dermai.prediction_log.parts import KEY, WRITTEN


@dataclass(frozen=True)
class Outcomes:
    """Cases by what became of them; each case that came in is in exactly one of the four.

    `set_aside` also counts rows that name no case.
    """

    to_read: frozenset[str]
    to_photograph_again: frozenset[str]
    set_aside: int
    confirmed: frozenset[str]

    @property
    def cases(self) -> int:
        """All of them."""
        return len(self.to_read) + len(self.to_photograph_again) + self.set_aside + len(self.confirmed)


def sort_cases(accepted: pd.DataFrame, sent_back: pd.DataFrame, aside: pd.DataFrame, confirmed: Set[str]) -> Outcomes:
    """A case is to read as soon as one photograph of it can be judged, and only then set aside if nothing else is left.

    The tables have `case_id`; it is "" in a row of `aside` that names no case.
    """
    usable, waiting, unclear = (set(table["case_id"]) for table in (accepted, sent_back, aside))
    nameless = int((aside["case_id"] == "").sum())
    done = usable & confirmed
    return Outcomes(
        to_read=frozenset(usable - done),
        to_photograph_again=frozenset(waiting - usable),
        set_aside=len(unclear - usable - waiting - {""}) + nameless,
        confirmed=frozenset(done),
    )


def confirmed_cases(accepted: pd.DataFrame, earlier: pd.DataFrame, confirmations: pd.DataFrame) -> set[str]:
    """Cases whose every lesion has a diagnosis that was recorded after every photograph of it had been seen.

    A photograph that came in after the diagnosis brings its case back to be read. `earlier` is what the log says of
    the same photographs (`PredictionLog.referred`), `confirmations` the newest diagnosis of each lesion.
    """
    seen = earlier.groupby(list(KEY))[WRITTEN].min().astype("Int64").rename("seen")
    recorded = confirmations.set_index(["case_id", "lesion_id"])[WRITTEN].astype("Int64").rename("recorded")
    rows = accepted[list(KEY)].join(seen, on=list(KEY)).join(recorded, on=["case_id", "lesion_id"])
    settled = (rows["recorded"] > rows["seen"]).fillna(False)  # in the order of writing: clocks are set back
    return set(rows["case_id"]) - set(rows.loc[~settled, "case_id"])


def mixed_up(accepted: pd.DataFrame, earlier: pd.DataFrame) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Warnings and notes by case: the same photograph, or the same case number, under another patient or case.

    Both the rows of the folder itself and what earlier folders brought (`earlier`) are compared.
    """
    columns = ["image", "case_id", "patient_id"]
    together = pd.concat([accepted[columns], earlier[columns]]).drop_duplicates()
    warnings: dict[str, dict[str, None]] = defaultdict(dict)
    notes: dict[str, dict[str, None]] = defaultdict(dict)
    here = set(accepted[["case_id", "patient_id"]].itertuples(index=False, name=None))
    for column in ("image", "case_id"):
        several = together.groupby(column)[["case_id", "patient_id"]].transform("nunique").max(axis=1) > 1
        for _, group in together[several].groupby(column, sort=True):
            owners = sorted(set(group[["case_id", "patient_id"]].itertuples(index=False, name=None)))
            for case, patient in owners:
                if (case, patient) not in here:
                    continue
                for other_case, other_patient in owners:
                    if other_patient != patient and other_case != case:
                        said = message(
                            "the same photograph stands under another patient (%(patient)s, case %(case)s): "
                            "find out whose it is",
                            patient=other_patient,
                            case=other_case,
                        )
                        warnings[case][said] = None
                    elif other_patient != patient:
                        said = message(
                            "this case number came in under another patient before (%(patient)s): "
                            "find out whose case it is",
                            patient=other_patient,
                        )
                        warnings[case][said] = None
                    elif other_case != case:
                        said = message("the same photograph came in as case %(case)s of this patient", case=other_case)
                        notes[case][said] = None
    return {case: list(found) for case, found in warnings.items()}, {case: list(n) for case, n in notes.items()}
