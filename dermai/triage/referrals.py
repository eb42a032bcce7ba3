"""New, unlabelled cases: a folder with `cases.csv` and the photographs it names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dermai.data.cases import SYMPTOMS
from dermai.data.identifiers import (
    canonical_identifier,
    cut_to_fifteen_digits,
    identifier_problem,
    spelt_differently,
    turned_into_decimals,
)
from dermai.data.sender_numbers import SOURCE, SenderNumbers
from dermai.data.tables import read_text_table
from dermai.errors import InvalidCases
from dermai.ingest.clinical_values import ClinicalValues, Unclear, clinical_values
from dermai.ingest.delivery import Delivery
from dermai.ingest.dicom_columns import with_dicom_columns
from dermai.ingest.row_checks import AGE_SENTINEL_SAID, one_spelling, several_sites
from dermai.language.messages import message

REQUIRED = ("image", "case_id", "patient_id")
CLINICAL = ("site", "view", "age", "sex", "body_site", "skin_type", "device", *SYMPTOMS)
NUMBERS = {"case": message("case number"), "patient": message("patient number"), "lesion": message("lesion number")}


@dataclass(frozen=True)
class Referrals:
    """What a folder hands in: `rows` to look at, and `set_aside`, rows that a person must clear up first.

    `rows` has one row a photograph: file, case_id, patient_id, lesion_id, lesion_in_case (pseudonyms) and the clinical
    columns. `set_aside` has file, case_id ("" where the row names none), line, site, device and reason. `remarks` are
    sentences about a case of `rows`, by its pseudonym, `notes` sentences about the table; no number of the sender is
    in them.
    """

    rows: pd.DataFrame
    set_aside: pd.DataFrame
    remarks: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]

    @property
    def cases(self) -> int:
        """How many cases came in; a row that names none counts as one."""
        named = {*self.rows["case_id"], *self.set_aside["case_id"]} - {""}
        return len(named) + int((self.set_aside["case_id"] == "").sum())


def read_referrals(folder: Path, numbers: SenderNumbers) -> Referrals:
    """The case table of a folder, in pseudonyms.

    A diagnosis, where one is given, is not read. A case without `lesion_id` shows one lesion. Empty lines are no cases.
    A clinical value that breaks the data contract is unknown, and the case says so: the photograph is judged.

    Raises:
        InvalidCases: there is no such table.
    """
    path = folder / "cases.csv"
    if not path.is_file():
        raise InvalidCases(f"{folder} holds no cases.csv: expected one with {', '.join(REQUIRED)}")
    table = read_text_table(path, REQUIRED)
    if table.empty:
        raise InvalidCases(f"{path} has a header and no cases")
    names = {"image": "file", "case_id": "case", "patient_id": "patient", "lesion_id": "lesion"}
    known = [name for name in (*names, *CLINICAL) if name in table]
    named, said = with_dicom_columns(table[known].rename(columns=names), folder)
    delivered = Delivery.of(SOURCE, folder, _records(named)).rows
    values = clinical_values(delivered.assign(line=table.index + 2))
    rows = values.rows.assign(site=one_spelling(values.rows["site"], pd.Series(dtype=object)))
    reasons = _reasons_to_set_aside(rows, numbers)
    hidden = _hidden(rows[reasons == ""], numbers)
    remarks = _remarks(values, dict(zip(rows.index[reasons == ""], hidden["case_id"], strict=True)))
    return Referrals(
        hidden.reset_index(drop=True),
        _set_aside(rows[reasons != ""], reasons, numbers),
        remarks,
        (*_notes(rows[reasons == ""], numbers), *said),
    )


def _reasons_to_set_aside(rows: pd.DataFrame, numbers: SenderNumbers) -> pd.Series:
    """Why nobody can say whose photograph a row names; "" where that is clear. No number of the sender is in it."""
    reasons = pd.Series("", index=rows.index, dtype=object)
    for column in NUMBERS:
        for text in rows[column].unique():
            if problem := number_problem(column, text):
                reasons[(rows[column] == text) & (reasons == "")] = problem
    forms = rows[["case", "patient"]].map(canonical_identifier)
    clear = forms[reasons == ""]
    for case, patients in clear.groupby("case")["patient"].unique().items():
        if len(patients) > 1:
            hidden = ", ".join(sorted(numbers.patient(patient) for patient in patients))
            said = message(
                "one case number stands under %(count)s patients (%(names)s): give each its own case number",
                count=len(patients),
                names=hidden,
            )
            reasons[(forms["case"] == case) & (reasons == "")] = said
    return reasons


def number_problem(column: str, text: str) -> str:
    """Why a number of `NUMBERS` does not say who is meant, without the number; "" where it does."""
    problem = None if column == "lesion" and not text else identifier_problem(text)
    if problem is None:
        return ""
    if problem[0] == "is missing":
        return message("the %(number_of)s is missing: fill it in and hand the row in again", number_of=NUMBERS[column])
    return message(
        "the %(number_of)s %(problem)s: %(fix)s", number_of=NUMBERS[column], problem=problem[0], fix=problem[1]
    )


def _remarks(values: ClinicalValues, cases: Mapping[int, str]) -> dict[str, tuple[str, ...]]:
    """What is said of the values of each case that could not be read, once each; `cases` has the case of a row."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for row, case in cases.items():
        for unclear in values.unclear.get(row, ()):
            found[case][read_as_unknown(unclear)] = None
        if row in values.sentinels:
            found[case][AGE_SENTINEL_SAID] = None
    return {case: tuple(said) for case, said in found.items()}


def read_as_unknown(unclear: Unclear) -> str:
    """What is said of a value that could not be read."""
    return message("%(reason)s: read as unknown", reason=unclear.reason)


def _notes(rows: pd.DataFrame, numbers: SenderNumbers) -> list[str]:
    """What looks as if a spreadsheet or a person had changed numbers, named by line and pseudonym."""
    notes = []
    ways = (("case", numbers.case), ("patient", numbers.patient))
    for column, hide in ways:
        name = NUMBERS[column]
        lines = rows.groupby(column)["line"].min().to_dict()
        for spellings in spelt_differently(rows[column].unique()):
            places = " and ".join(str(line) for line in sorted(lines[text] for text in spellings))
            notes.append(f"lines {places} of cases.csv spell one {name} differently ({hide(spellings[0])})")
        for text in turned_into_decimals(rows[column].unique()):
            notes.append(f"line {lines[text]} of cases.csv: a spreadsheet made a decimal of the {name} ({hide(text)})")
        for text in cut_to_fifteen_digits(rows[column].unique()):
            said = f"the {name} looks rounded by a spreadsheet to 15 digits: export the numbers as text"
            notes.append(f"line {lines[text]} of cases.csv: {said}")
    return [*notes, *several_sites(rows, numbers.patient)]


def _hidden(rows: pd.DataFrame, numbers: SenderNumbers) -> pd.DataFrame:
    """The rows with pseudonyms in place of the sender's numbers."""
    lesions = rows["lesion"].where(rows["lesion"] != "", rows["case"])
    hidden = pd.DataFrame(
        {
            "file": rows["file"],
            "case_id": [numbers.case(case) for case in rows["case"]],
            "patient_id": [numbers.patient(patient) for patient in rows["patient"]],
            "lesion_id": [numbers.lesion(*pair) for pair in zip(rows["patient"], lesions, strict=True)],
            "lesion_in_case": [numbers.lesion_in_case(*pair) for pair in zip(rows["case"], lesions, strict=True)],
            **{name: rows[name] for name in CLINICAL if name != "age"},
            "age": pd.to_numeric(rows["age"]),
        }
    )
    return hidden.astype({name: object for name in hidden if name != "age"})


def _set_aside(rows: pd.DataFrame, reasons: pd.Series, numbers: SenderNumbers) -> pd.DataFrame:
    cases = [numbers.case(case) if case else "" for case in rows["case"]]
    kept = rows[["file", "line", "site", "device"]].assign(case_id=cases, reason=reasons[rows.index])
    return kept.astype(object).reset_index(drop=True)


def _records(table: pd.DataFrame) -> list[dict[str, str]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
