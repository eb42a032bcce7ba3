"""What is wrong with the rows of a delivery, before any photograph is opened."""

from __future__ import annotations

import pandas as pd

from dermai.data.cases import ANSWERS, OLDEST_AGE, SEXES, SPLITS, SYMPTOMS, VIEWS
from dermai.taxonomy import load_taxonomy

ROUNDED = r"\d([.,]\d+)?[eE]\+\d+"  # how a spreadsheet shows a long number it has rounded: several become one
Problems = dict[int, tuple[str, str]]  # row -> (reason, how to fix it); the first problem found


def row_problems(rows: pd.DataFrame) -> Problems:
    """Rows that break the data contract by themselves or contradict each other."""
    problems: Problems = {}

    def report(wrong: pd.Series, reason: str, fix: str) -> None:
        for row in rows.index[wrong.to_numpy(dtype=bool)]:
            problems.setdefault(row, (reason.format(**rows.loc[row].to_dict()), fix))

    for name in ("case", "patient", "lesion"):
        report(rows[name] == "", f"no {name} id", f"fill in the {name} id")
        rounded = rows[name].str.fullmatch(ROUNDED)
        report(rounded, f"the {name} id looks rounded by a spreadsheet: {{{name}}}", "export the ids as text")
    labels = load_taxonomy().sources
    report(~rows["source"].isin(labels), "unknown source {source!r}", f"use one of {', '.join(labels)}")
    report(rows["label"] == "", "no diagnosis", "fill in the diagnosis")
    known = {(source, name.casefold()): code for source, names in labels.items() for name, code in names.items()}
    given = [(s, d.casefold()) for s, d in zip(rows["source"], rows["label"], strict=True)]
    rows = rows.assign(diagnosis=[known.get(label) or label[1] for label in given])
    report(
        pd.Series([label not in known for label in given]),
        "unknown label {label!r}",
        "correct it, or have it added to dermai/taxonomy.yaml",
    )

    age = pd.to_numeric(rows["age"], errors="coerce")
    report(
        age.isna() & (rows["age"] != ""), "age {age!r} is not a number of years", "correct the age or leave it empty"
    )
    out_of_range = age.notna() & ~age.between(0, OLDEST_AGE)
    report(out_of_range, f"age {{age}} is not in 0 to {OLDEST_AGE}", "correct the age or leave it empty")
    answers = [(name, ANSWERS) for name in SYMPTOMS]
    for name, allowed in (
        ("sex", SEXES), ("view", VIEWS), ("split", SPLITS), ("skin_type", tuple("123456")), *answers
    ):  # fmt: skip
        report(~rows[name].isin([*allowed, ""]), f"unknown {name} {{{name}!r}}", f"use one of {', '.join(allowed)}")
    date = pd.to_datetime(rows["acquired_on"], format="%Y-%m-%d", errors="coerce")
    wrong_date = date.isna() & (rows["acquired_on"] != "")
    report(wrong_date, "acquired_on {acquired_on!r} is not a date", "write it like 2026-03-01")

    def differing(unit: str, what: str) -> pd.Series:
        filled = rows[(rows[unit] != "") & (rows[what] != "")]
        counts = filled.groupby(["source", unit])[what].nunique()
        several = set(counts.index[counts > 1])
        return pd.Series([(s, u) in several for s, u in zip(rows["source"], rows[unit], strict=True)])

    report(differing("case", "patient"), "duplicate case id {case!r}: several patients", "give each case its own id")
    report(differing("lesion", "diagnosis"), "lesion {lesion!r} has several diagnoses", "say which diagnosis holds")
    report(differing("patient", "split"), "patient {patient!r} is in several splits", "put a patient into one split")
    return problems


def conflicts_with_known(rows: pd.DataFrame, known: pd.DataFrame) -> Problems:
    """Rows, already with pseudonyms, whose case, lesion or patient the dataset knows otherwise."""
    problems: Problems = {}
    for unit, fixed, reason, fix in (
        ("case_id", "patient_id", "case {case!r} is known of another patient", "give each case its own id"),
        ("patient_id", "split", "patient {patient!r} is known in another split", "leave the split empty: it is kept"),
    ):
        recorded = dict(zip(known[unit], known[fixed], strict=True))
        for row in rows.index:
            before, now = recorded.get(rows[unit][row], ""), rows[fixed][row]
            if before and now and before != now:
                problems.setdefault(row, (reason.format(**rows.loc[row].to_dict()), fix))
    return problems
