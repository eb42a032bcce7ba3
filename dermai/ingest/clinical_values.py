"""Clinical values as senders write them: one form for those that can be read, a reason for the others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from dermai.data.cases import ANSWERS, OLDEST_AGE, SEXES, SYMPTOMS, VIEWS
from dermai.gate.reference_standard import KINDS, SIMULATED, kind_of
from dermai.language.messages import message

UNKNOWN_WORDS = frozenset({"", "nan", "none", "null", "n/a", "na", "<na>", "unknown", "unk", "?", "-", "--"})
AGE_SENTINEL = 99.0  # many registers write it for an age that nobody asked for
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
SEX_WORDS = {"f": "female", "w": "female", "woman": "female", "m": "male", "man": "male"}
ANSWER_WORDS = {
    **dict.fromkeys(("y", "true", "t", "1", "1.0"), "yes"),
    **dict.fromkeys(("n", "false", "f", "0", "0.0"), "no"),
}
ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6"}
SKIN_TYPES = tuple("123456")


class Unclear(NamedTuple):
    """A value that cannot be read: `reason` quotes it."""

    reason: str
    fix: str


@dataclass(frozen=True)
class ClinicalValues:
    """`rows` with every value in its one form, "" where it is unknown or cannot be read; what could not, by row.

    `sentinels` are rows whose age was a number that stands for an unknown one.
    """

    rows: pd.DataFrame
    unclear: Mapping[int, tuple[Unclear, ...]]
    sentinels: tuple[int, ...]


def clinical_values(rows: pd.DataFrame) -> ClinicalValues:
    """Read the clinical columns that the table has, all text; the others stay as they are.

    Letter case, spaces, `True` for yes, `F` for female, `III` or `3.0` for a skin type and `50,5` for an age are read;
    words for unknown are unknown.

    >>> found = clinical_values(pd.DataFrame({"age": ["50.0", "250"], "itch": ["True", "maybe"]}))
    >>> found.rows.to_dict("list"), [said.reason for said in found.unclear[1]]
    ({'age': ['50', ''], 'itch': ['yes', '']}, ['age 250 is not in 0 to 120', "unknown itch 'maybe'"])
    """
    unclear: dict[int, list[Unclear]] = {}
    readable: dict[str, list[str]] = {}
    sentinels: list[int] = []
    for name in READERS:
        if name not in rows:
            continue
        known = {text: read_value(name, text) for text in rows[name].unique()}
        readable[name] = []
        for row, text in zip(rows.index, rows[name], strict=True):
            value = known[text]
            if isinstance(value, Unclear):
                unclear.setdefault(row, []).append(value)
            elif name == "age" and value and float(value) == AGE_SENTINEL:
                sentinels.append(row)
                value = ""
            readable[name].append("" if isinstance(value, Unclear) else value)
    said = {row: tuple(reasons) for row, reasons in unclear.items()}
    return ClinicalValues(rows.assign(**readable), said, tuple(sentinels))


def one_line(text: str) -> str:
    """Free text in one Unicode form, with single spaces.

    >>> one_line(" Santa\\u00a0 Luzia ")
    'Santa Luzia'
    """
    return " ".join(unicodedata.normalize("NFKC", text).split())


def read_value(name: str, text: str) -> str | Unclear:
    """One value of a clinical column in its one form, "" where it is unknown.

    >>> read_value("sex", " F "), read_value("age", "n/a")
    ('female', '')
    """
    plain = one_line(text)
    return "" if plain.lower() in UNKNOWN_WORDS else READERS[name](name, plain)


def _age(name: str, text: str) -> str | Unclear:
    if not NUMBER.fullmatch(text):
        return Unclear(
            message("age %(text)s is not a number of years", text=repr(text)), "correct the age or leave it empty"
        )
    age = float(text.replace(",", "."))
    if not 0 <= age <= OLDEST_AGE:
        return Unclear(
            message("age %(count)s is not in 0 to %(total)s", count=f"{age:g}", total=OLDEST_AGE),
            "correct the age or leave it empty",
        )
    return f"{age:g}"


def _one_of(allowed: tuple[str, ...], words: Mapping[str, str]) -> Callable[[str, str], str | Unclear]:
    def read(name: str, text: str) -> str | Unclear:
        word = words.get(text.lower(), text.lower())
        if word in allowed:
            return word
        reason = message("unknown %(column)s %(text)s", column=name, text=repr(text))
        return Unclear(reason, f"use one of {', '.join(allowed)}")

    return read


def _skin_type(name: str, text: str) -> str | Unclear:
    return _one_of(SKIN_TYPES, ROMAN)(name, text.removesuffix(".0").removesuffix(",0"))


def _confirmed_by(name: str, text: str) -> str | Unclear:
    kind = SIMULATED if text == SIMULATED else kind_of(text)
    return Unclear(f"unknown {name} {text!r}", f"use one of {', '.join(KINDS)}") if kind is None else kind


READERS: Mapping[str, Callable[[str, str], str | Unclear]] = {
    "age": _age,
    "sex": _one_of(SEXES, SEX_WORDS),
    "view": _one_of(VIEWS, {}),
    "skin_type": _skin_type,
    "body_site": lambda name, text: text.lower(),
    "site": lambda name, text: text,
    "device": lambda name, text: text,
    "confirmed_by": _confirmed_by,
    **dict.fromkeys(SYMPTOMS, _one_of(ANSWERS, ANSWER_WORDS)),
}
