"""What is wrong with the rows of a delivery, before any photograph is opened."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from dermai.data.cases import SPLITS
from dermai.data.identifiers import (
    canonical_identifier,
    cut_to_fifteen_digits,
    identifier_problem,
    spelt_differently,
    turned_into_decimals,
)
from dermai.ingest.clinical_values import ClinicalValues
from dermai.language.messages import message
from dermai.taxonomy import load_taxonomy

NAMED = 5  # examples that a note gives
AGE_SENTINEL_SAID = message("age 99 stands for an unknown age in many registers and is read as unknown")
Problems = dict[int, tuple[str, str]]  # row -> (reason, how to fix it); the first problem found


def row_problems(values: ClinicalValues) -> Problems:
    """Rows that break the data contract by themselves or contradict each other."""
    rows = values.rows
    problems: Problems = {}

    def report(wrong: pd.Series, reason: str, fix: str) -> None:
        for row in rows.index[wrong.to_numpy(dtype=bool)]:
            problems.setdefault(row, (reason.format(**rows.loc[row].to_dict()), fix))

    for name in ("case", "patient", "lesion"):
        found = {text: identifier_problem(text) for text in rows[name].unique()}
        for row, text in rows[name].items():
            problem = found[text]
            if problem is not None:
                said = f"the {name} id {problem[0]}: {text!r}" if text else f"no {name} id"
                problems.setdefault(int(str(row)), (said, problem[1] if text else f"fill in the {name} id"))
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
    for row, unclear in values.unclear.items():
        problems.setdefault(row, unclear[0])
    report(~rows["split"].isin([*SPLITS, ""]), "unknown split {split!r}", f"use one of {', '.join(SPLITS)}")
    date = pd.to_datetime(rows["acquired_on"], format="%Y-%m-%d", errors="coerce")
    wrong_date = date.isna() & (rows["acquired_on"] != "")
    report(wrong_date, "acquired_on {acquired_on!r} is not a date", "write it like 2026-03-01")

    forms = rows.assign(**{name: rows[name].map(canonical_identifier) for name in ("case", "patient", "lesion")})

    def differing(unit: str, what: str) -> pd.Series:
        filled = forms[(forms[unit] != "") & (forms[what] != "")]
        counts = filled.groupby(["source", unit])[what].nunique()
        several = set(counts.index[counts > 1])
        return pd.Series([(s, u) in several for s, u in zip(forms["source"], forms[unit], strict=True)])

    report(differing("case", "patient"), "duplicate case id {case!r}: several patients", "give each case its own id")
    report(differing("lesion", "diagnosis"), "lesion {lesion!r} has several diagnoses", "say which diagnosis holds")
    report(differing("patient", "split"), "patient {patient!r} is in several splits", "put a patient into one split")
    return problems


def row_notes(values: ClinicalValues) -> list[str]:
    """What a person should know of rows that are taken: spellings read as one, ages that are none, shared numbers."""
    rows, notes = values.rows, []
    for name in ("patient", "case"):
        for _, identifiers in rows.groupby("source")[name]:
            written = identifiers[identifiers != ""].unique()
            several = spelt_differently(written)
            if several:
                each = "; ".join(" = ".join(map(repr, spellings)) for spellings in several[:NAMED])
                notes.append(f"{name} ids in several spellings, read as one {name} each: {each}{_more(several)}")
            decimals = turned_into_decimals(written)
            if decimals:
                said = f"{name} ids that a spreadsheet made decimals of, read as whole numbers"
                notes.append(f"{said}: {', '.join(decimals[:NAMED])}{_more(decimals)}")
            cut = cut_to_fifteen_digits(written)
            if cut:
                said = f"{name} ids that look rounded by a spreadsheet to 15 digits, so that several may be one"
                notes.append(f"{said}: {', '.join(cut[:NAMED])}{_more(cut)}; export the ids as text")
    if values.sentinels:
        cases = sorted(set(rows["case"].loc[list(values.sentinels)]))
        notes.append(f"{AGE_SENTINEL_SAID}: case {', '.join(cases[:NAMED])}{_more(cases)}")
    return [*notes, *several_sites(rows, repr)]


def several_sites(rows: pd.DataFrame, shown: Callable[[str], str]) -> list[str]:
    """A note for each patient of whom more than one site sends photographs; letter case of a site does not matter.

    `shown` says how the number, as first written, may be named.
    """
    filled = rows[(rows["patient"] != "") & (rows["site"] != "")]
    filled = filled.assign(form=filled["patient"].map(canonical_identifier), place=filled["site"].str.casefold())
    once = filled.drop_duplicates(["source", "form", "place"])
    groups = once.groupby(["source", "form"], sort=False)
    return [
        f"patient {shown(group['patient'].iloc[0])} comes from {' and '.join(sorted(group['site']))} and is taken "
        "for one person: if each site numbers its own patients, put the site before the number"
        for _, group in groups
        if len(group) > 1
    ]


def one_spelling(sites: pd.Series, known: pd.Series) -> pd.Series:
    """Sites in the spelling that the dataset has, else in the one that comes first, whatever their letter case."""
    spellings: dict[str, str] = {}
    for site in [*known.unique(), *sites.unique()]:
        spellings.setdefault(str(site).casefold(), str(site))
    return sites.map(lambda site: spellings[site.casefold()])


def conflicts_with_known(rows: pd.DataFrame, known: pd.DataFrame) -> Problems:
    """Rows, already with pseudonyms, whose case, lesion or patient the dataset knows otherwise."""
    problems: Problems = {}
    for unit, fixed, reason, fix in (
        ("case_id", "patient_id", "case {case!r} is known of another patient", "give each case its own id"),
        ("patient_id", "split", "patient {patient!r} is known in another split", "leave out --published-split"),
    ):
        recorded = dict(zip(known[unit], known[fixed], strict=True))
        for row in rows.index:
            before, now = recorded.get(rows[unit][row], ""), rows[fixed][row]
            if before and now and before != now:
                problems.setdefault(row, (reason.format(**rows.loc[row].to_dict()), fix))
    return problems


def known_at_other_sites(rows: pd.DataFrame, known: pd.DataFrame) -> list[str]:
    """A line for each patient, already with a pseudonym, of whom the dataset has photographs of other sites only."""
    notes = []
    recorded = known[known["site"] != ""].groupby("patient_id")["site"].unique().to_dict()
    for patient, group in rows[rows["site"] != ""].groupby("patient_id", sort=False):
        before = recorded.get(patient, ())
        now = [site for site in group["site"].unique() if site.casefold() not in {s.casefold() for s in before}]
        if len(before) and now:
            notes.append(
                f"patient {group['patient'].iloc[0]!r} comes from {' and '.join(sorted(now))}, is known from "
                f"{' and '.join(sorted(before))} and is taken for one person: "
                "if each site numbers its own patients, put the site before the number"
            )
    return notes


def _more(items: list[str] | list[tuple[str, ...]]) -> str:
    return f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
