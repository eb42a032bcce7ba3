"""The case table, `data/cases.csv`: one row a photograph, typed and validated."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dermai.data.folds import with_folds
from dermai.data.tables import as_written, csv_text, read_text_table
from dermai.errors import InvalidCases
from dermai.files import write_bytes
from dermai.language.messages import message
from dermai.taxonomy import load_taxonomy

SYMPTOMS = ("itch", "grew", "hurt", "changed", "bleed", "elevation")  # what the patient reports or the doctor feels
COLUMNS = (
    "image", "case_id", "patient_id", "lesion_id", "diagnosis", "source_label", "source", "site", "view",
    "age", "sex", "body_site", "skin_type", "device", "acquired_on", "confirmed_by", "split", "batch", *SYMPTOMS,
    "fold", "licence",
)  # fmt: skip
REQUIRED = ("image", "case_id", "patient_id", "lesion_id", "source", "split", "batch")
SPLITS = ("train", "test")
ADDED_LATER = (*SYMPTOMS, "fold", "licence")  # columns that a table of an earlier release does not have
VIEWS = (message("macroscopic"), message("anatomical"), message("dermoscopic"))
SEXES = (message("female"), message("male"))
ANSWERS = ("yes", "no")
OLDEST_AGE = 120


def photograph_path(folder: Path, image: str) -> Path:
    """Where a photograph lies below the data folder: `images/<first two>/<hash>.jpg`."""
    return folder / "images" / image[:2] / f"{image}.jpg"


def empty_cases() -> pd.DataFrame:
    """A case table without rows."""
    return pd.DataFrame({name: pd.Series(dtype="float64" if name == "age" else "object") for name in COLUMNS})


def read_cases(path: Path) -> pd.DataFrame:
    """Read and check a case table.

    Text columns hold "" where nothing is known, `age` holds NaN.

    Raises:
        InvalidCases: not UTF-8, not comma-separated, wrong columns, or rows that break the contract
            (named by line and case).
    """
    cases = parse_cases(path)
    problems = case_problems(cases)
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise InvalidCases(f"{path.name}: {shown}")
    return cases


def parse_cases(path: Path) -> pd.DataFrame:
    """Read a case table and check its shape only, so that its rows can be judged afterwards.

    A table written before there were symptom columns is read as one in which no symptom is known, one from before
    there were folds with `dermai.data.folds.with_folds`. `dermatologist` is
    what earlier releases wrote for lesions of PAD-UFES-20 that its publisher calls diagnosed by consensus.

    Raises:
        InvalidCases: missing, not UTF-8, not comma-separated, or wrong columns.
    """
    if not path.is_file():
        raise InvalidCases(f"{path} does not exist: run `dvc pull`, or import a dataset first (`dermai import --help`)")
    table = read_text_table(path, [name for name in COLUMNS if name not in ADDED_LATER], ",").map(as_written)
    unknown = sorted(set(table.columns) - set(COLUMNS))
    if unknown:
        raise InvalidCases(f"{path.name}: unknown columns {unknown}; expected {', '.join(COLUMNS)}")
    without_folds = "fold" not in table
    table = table.reindex(columns=list(COLUMNS), fill_value="")
    table = with_folds(table) if without_folds else table
    consensus = (table["source"] == "pad_ufes_20") & (table["confirmed_by"] == "dermatologist")
    table = table.assign(confirmed_by=table["confirmed_by"].where(~consensus, "consensus"))
    ages = pd.to_numeric(table["age"], errors="coerce")
    unreadable = table.index[ages.isna() & (table["age"] != "")]
    if len(unreadable):
        line = unreadable[0]
        raise InvalidCases(f"{path.name}: line {line + 2}: age {table['age'][line]!r} is not a number of years")
    return table.assign(age=ages).reset_index(drop=True)


def write_cases(path: Path, cases: pd.DataFrame) -> None:
    """Replace the case table at once, with columns in the contract's order and ages as plain numbers.

    The column `licence` is written where a publisher's licence is known of any photograph.
    """
    columns = [name for name in COLUMNS if name != "licence" or (cases[name] != "").any()]
    table = cases[columns].copy()
    table["age"] = [format(age, "g") if pd.notna(age) else "" for age in table["age"]]
    write_bytes(path, csv_text(table).encode("utf-8"))


def case_problems(cases: pd.DataFrame) -> list[str]:
    """What is wrong with each row or between rows, in plain words; empty when the contract holds."""
    taxonomy = load_taxonomy()
    problems: list[str] = []

    def report(rows: pd.Series, what: str, column: str | None = None) -> None:
        for index in cases.index[rows.to_numpy(dtype=bool)]:
            value = f" {cases[column][index]!r}" if column else ""
            problems.append(f"line {index + 2} (case {cases['case_id'][index]!r}): {what}{value}")

    for name in REQUIRED:
        report(cases[name] == "", f"{name} is empty")
    report(~cases["image"].str.fullmatch(r"[0-9a-f]{64}|"), "image is not a content hash:", "image")
    report(cases["image"].duplicated() & (cases["image"] != ""), "the photograph stands in the table twice:", "image")
    for name, allowed in (
        ("diagnosis", taxonomy.codes),
        ("source", tuple(taxonomy.sources)),
        ("view", VIEWS),
        ("sex", SEXES),
        ("split", SPLITS),
        *((name, ANSWERS) for name in SYMPTOMS),
    ):
        report(~cases[name].isin([*allowed, ""]), f"unknown {name}", name)
    report(~cases["skin_type"].isin(["", *"123456"]), "skin_type is not Fitzpatrick 1 to 6:", "skin_type")
    report(cases["age"].lt(0) | cases["age"].gt(OLDEST_AGE), f"age is not in 0 to {OLDEST_AGE}:", "age")
    dates = pd.to_datetime(cases["acquired_on"], format="%Y-%m-%d", errors="coerce")
    report(dates.isna() & (cases["acquired_on"] != ""), "acquired_on is not a date like 2026-03-01:", "acquired_on")
    tested = cases["split"] == "test"
    report(tested & (cases["fold"] != ""), "a test patient has a fold:", "fold")
    report(~tested & (cases["fold"] == ""), "a patient to train on has no fold")
    report(~cases["fold"].str.fullmatch(r"\d|"), "unknown fold", "fold")
    for unit, fixed in (("patient_id", "split"), ("patient_id", "fold"), ("lesion_id", "patient_id")):
        distinct = cases.groupby(unit)[fixed].nunique()
        for value in distinct.index[distinct > 1]:
            found = sorted(cases.loc[cases[unit] == value, fixed].unique())
            problems.append(f"{unit} {value!r} has more than one {fixed}: {', '.join(found)}")
    return problems


def trainable(cases: pd.DataFrame) -> pd.DataFrame:
    """The rows whose diagnosis has a place in the taxonomy."""
    return cases[cases["diagnosis"] != ""]
