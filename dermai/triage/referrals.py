"""New, unlabelled cases: a folder with `cases.csv` and the photographs it names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dermai.data.cases import OLDEST_AGE, SENDER_DELIMITERS, SYMPTOMS, read_text_table
from dermai.data.sender_numbers import SOURCE, SenderNumbers
from dermai.errors import InvalidCases
from dermai.ingest.delivery import Delivery
from dermai.ingest.row_checks import ROUNDED

REQUIRED = ("image", "case_id", "patient_id")
CLINICAL = ("site", "view", "age", "sex", "body_site", "skin_type", "device", *SYMPTOMS)
SEXES = {"f": "female", "m": "male"}
NUMBERS = {"case": "case number", "patient": "patient number", "lesion": "lesion number"}


@dataclass(frozen=True)
class Referrals:
    """What a folder hands in: `rows` to look at, and `set_aside`, rows that a person must clear up first.

    `rows` has one row a photograph: file, case_id, patient_id, lesion_id, lesion_in_case (pseudonyms) and the clinical
    columns. `set_aside` has file, case_id ("" where the row names none), line, site, device and reason.
    """

    rows: pd.DataFrame
    set_aside: pd.DataFrame

    @property
    def cases(self) -> int:
        """How many cases came in; a row that names none counts as one."""
        named = {*self.rows["case_id"], *self.set_aside["case_id"]} - {""}
        return len(named) + int((self.set_aside["case_id"] == "").sum())


def read_referrals(folder: Path, numbers: SenderNumbers) -> Referrals:
    """The case table of a folder, in pseudonyms.

    A diagnosis, where one is given, is not read. A case without `lesion_id` shows one lesion. Empty lines are no cases.

    Raises:
        InvalidCases: there is no such table.
    """
    path = folder / "cases.csv"
    if not path.is_file():
        raise InvalidCases(f"{folder} holds no cases.csv: expected one with {', '.join(REQUIRED)}")
    table = read_text_table(path, REQUIRED, SENDER_DELIMITERS)
    table = table[(table.map(str.strip) != "").any(axis=1)]
    if table.empty:
        raise InvalidCases(f"{path} has a header and no cases")
    names = {"image": "file", "case_id": "case", "patient_id": "patient", "lesion_id": "lesion"}
    known = [name for name in (*names, *CLINICAL) if name in table]
    rows = Delivery.of(SOURCE, folder, _records(table[known].rename(columns=names))).rows
    rows = rows.assign(line=table.index + 2)
    reasons = _reasons_to_set_aside(rows, numbers)
    return Referrals(_hidden(rows[reasons == ""], numbers), _set_aside(rows[reasons != ""], reasons, numbers))


def _reasons_to_set_aside(rows: pd.DataFrame, numbers: SenderNumbers) -> pd.Series:
    """Why nobody can say whose photograph a row names; "" where that is clear. No number of the sender is in it."""
    reasons = pd.Series("", index=rows.index, dtype=object)

    def report(wrong: pd.Series, reason: str) -> None:
        reasons[wrong & (reasons == "")] = reason

    report(rows["case"] == "", "the case number is missing: fill it in and hand the row in again")
    report(rows["patient"] == "", "the patient number is missing: fill it in and hand the row in again")
    for column, name in NUMBERS.items():
        rounded = rows[column].str.fullmatch(ROUNDED)
        report(rounded, f"the {name} looks rounded by a spreadsheet (such as 1.2E+12): export the numbers as text")
    clear = rows[reasons == ""]
    for case, patients in clear.groupby("case")["patient"].unique().items():
        if len(patients) > 1:
            hidden = ", ".join(sorted(numbers.patient(patient) for patient in patients))
            said = f"one case number stands under {len(patients)} patients ({hidden}): give each its own case number"
            report(rows["case"] == case, said)
    return reasons


def _hidden(rows: pd.DataFrame, numbers: SenderNumbers) -> pd.DataFrame:
    """The rows with pseudonyms in place of the sender's numbers."""
    lesions = rows["lesion"].where(rows["lesion"] != "", rows["case"])
    age = pd.to_numeric(rows["age"], errors="coerce")
    hidden = pd.DataFrame(
        {
            "file": rows["file"],
            "case_id": [numbers.case(case) for case in rows["case"]],
            "patient_id": [numbers.patient(patient) for patient in rows["patient"]],
            "lesion_id": [numbers.lesion(*pair) for pair in zip(rows["patient"], lesions, strict=True)],
            "lesion_in_case": [numbers.lesion_in_case(*pair) for pair in zip(rows["case"], lesions, strict=True)],
            **{name: rows[name] for name in CLINICAL if name not in ("age", "sex")},
            "sex": rows["sex"].str.lower().replace(SEXES),
            "age": age.where(age.between(0, OLDEST_AGE)),
        }
    )
    return hidden.astype({name: object for name in hidden if name != "age"}).reset_index(drop=True)


def _set_aside(rows: pd.DataFrame, reasons: pd.Series, numbers: SenderNumbers) -> pd.DataFrame:
    cases = [numbers.case(case) if case else "" for case in rows["case"]]
    kept = rows[["file", "line", "site", "device"]].assign(case_id=cases, reason=reasons[rows.index])
    return kept.astype(object).reset_index(drop=True)


def _records(table: pd.DataFrame) -> list[dict[str, str]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
