"""Numbers of patients, cases and lesions as senders write them: one form for all spellings of the same one."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

import pandas as pd

from dermai.language.messages import message

# What a spreadsheet makes of a long number, so that several become one: 1.23457E+11, 1,23457e11, 1.2 x 10^11
ROUNDED = re.compile(
    r"[+-]?\d+([.,]\d+)?\s*E\s*\+\s*\d+|[+-]?\d+[.,]\d+\s*E\d+|[+-]?\d+([.,]\d+)?\s*[X×*]\s*10\^?\+?\d+"
)
SIGNIFICANT = re.compile(r"\d{15}00+")  # a spreadsheet keeps 15 digits of a number and writes zeros for the others
SPREADSHEET_ERROR = re.compile(r"#+|#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|NV|WERT!|BEZUG!|VALOR!)")
PLACEHOLDERS = frozenset({"NAN", "NONE", "NULL", "N/A", "NA", "<NA>", "NAT", "UNKNOWN", "?", "-", "--", "."})
DECIMAL = re.compile(r"(\d+)[.,]0{1,2}")
LONGEST_PADDING = 12  # digits of a number that an earlier release may have stored with leading zeros


def canonical_identifier(identifier: str) -> str:
    """The one form of all spellings: Unicode, spaces, hyphens, letter case, leading zeros and decimals do not matter.

    Parts that a slash divides are numbers of their own. The form of a form is itself.

    >>> [canonical_identifier(text) for text in ("Pat-1", "PAT\\u20111 ", "001230", "1230.0", "PAT_8/15")]
    ['PAT-1', 'PAT-1', '1230', '1230', 'PAT_8/15']
    """
    return "/".join(_canonical_part(part) for part in _plain(identifier).split("/"))


def _plain(text: str) -> str:
    """One Unicode form in capitals, without invisible characters, with one kind of space and of hyphen."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
    kept = (
        "-" if unicodedata.category(letter) == "Pd" or letter == "\u2212" else letter
        for letter in text
        if letter.isspace() or unicodedata.category(letter) not in ("Cc", "Cf")
    )
    return " ".join("".join(kept).split())


def _canonical_part(part: str) -> str:
    part = part.strip()
    decimal = DECIMAL.fullmatch(part)
    whole = decimal[1] if decimal else part
    return whole.lstrip("0") or "0" if whole.isdecimal() else part


def identifier_problem(identifier: str) -> tuple[str, str] | None:
    """Why an identifier does not say who is meant, and how to fix it; None where it does.

    >>> identifier_problem("1.23457E+11"), identifier_problem("PAT_1516")
    (('looks rounded by a spreadsheet (such as 1.2E+12)', 'export the numbers as text'), None)
    """
    text = _plain(identifier)
    if not text or text in PLACEHOLDERS:
        return "is missing", "fill it in"
    if ROUNDED.fullmatch(text):
        return message("looks rounded by a spreadsheet (such as 1.2E+12)"), message("export the numbers as text")
    if SPREADSHEET_ERROR.fullmatch(text):
        return message("is what a spreadsheet shows in place of a number"), message("export the numbers as text")
    return None


def earlier_spellings(identifier: str) -> tuple[str, ...]:
    """Spellings under which an earlier release, which took each for another one, may have stored this.

    The identifier as it is written comes first, since it is the likeliest.
    """
    form = canonical_identifier(identifier)
    spellings = [identifier.strip(), form, form.lower(), form.capitalize(), form.title()]
    spellings += [unicodedata.normalize("NFD", text) for text in spellings[:3]]
    if form.isdecimal():
        spellings += [f"{form}.0", *(form.zfill(width) for width in range(len(form) + 1, LONGEST_PADDING + 1))]
    return tuple(dict.fromkeys(spellings))


def spelt_differently(identifiers: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of spellings of which each is another way to write the same identifier.

    >>> spelt_differently(["Pat-1", "7", "PAT-1", "007", "8"])
    [('7', '007'), ('PAT-1', 'Pat-1')]
    """
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    for identifier in identifiers:
        groups[canonical_identifier(identifier)][identifier] = None
    return sorted(
        tuple(sorted(group, key=lambda text: (len(text), text))) for group in groups.values() if len(group) > 1
    )


def first_spellings(identifiers: pd.Series) -> pd.Series:
    """Each identifier in the spelling that sorts first among those of the same one."""
    forms = identifiers.map(canonical_identifier)
    return identifiers.groupby(forms).transform("min")


def turned_into_decimals(identifiers: Iterable[str]) -> list[str]:
    """Identifiers that a spreadsheet seems to have made decimals of, such as 1230.0."""
    return sorted({text for text in identifiers if DECIMAL.fullmatch(_plain(text))})


def cut_to_fifteen_digits(identifiers: Iterable[str]) -> list[str]:
    """Identifiers whose last digits a spreadsheet seems to have replaced by zeros."""
    return sorted({text for text in identifiers if SIGNIFICANT.fullmatch(_plain(text))})
