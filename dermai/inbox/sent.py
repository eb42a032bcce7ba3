"""A referral as its sender hands it in, and the same in pseudonyms."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import DermaiError
from dermai.files import sha256_json
from dermai.ingest.clinical_values import AGE_SENTINEL, Unclear, one_line, read_value
from dermai.ingest.row_checks import AGE_SENTINEL_SAID
from dermai.language.messages import message
from dermai.triage.referrals import CLINICAL, NUMBERS, number_problem, read_as_unknown

ROLES = {"close_up": "macroscopic", "locating": "anatomical", "dermoscopic": "dermoscopic", "photograph": ""}
OF_SENDER, OF_PHOTOGRAPH = "site", "view"  # columns that no sender writes
VALUES = tuple(name for name in CLINICAL if name not in (OF_SENDER, OF_PHOTOGRAPH))
FIELDS = (*(f"{name}_id" for name in NUMBERS), *VALUES)
LONGEST = 200  # characters of a field
Row = dict[str, str | float | None]


class UnclearReferral(DermaiError):
    """A referral that nobody could work with; the message says what to correct, and names no number of the sender."""


@dataclass(frozen=True)
class SentPhotograph:
    """A file that was sent, and what it shows; `role` is one of `ROLES`."""

    file: Path
    sha256: str
    role: str = "photograph"


@dataclass(frozen=True)
class SentReferral:
    """One lesion of one case: `fields` are of `FIELDS`, in the sender's own numbers and words.

    `site` is the sender's, as the service knows it. `follows` names an earlier referral of the same case.
    """

    site: str
    fields: Mapping[str, str] = field(repr=False)
    photographs: tuple[SentPhotograph, ...] = field(repr=False)
    follows: str = ""


@dataclass(frozen=True)
class HiddenReferral:
    """The same in pseudonyms: a row a photograph, in the order sent, with the columns of `Referrals.rows`.

    `request` follows from the content: the same referral has the same.
    """

    request: str
    rows: tuple[Row, ...] = field(repr=False)
    remarks: tuple[str, ...]
    sent: SentReferral

    @property
    def case_id(self) -> str:
        """The case's pseudonym."""
        return str(self.rows[0]["case_id"])

    @property
    def patient_id(self) -> str:
        """The patient's pseudonym."""
        return str(self.rows[0]["patient_id"])


def hide_numbers(sent: SentReferral, numbers: SenderNumbers, most_photographs: int) -> HiddenReferral:
    """Check what was sent, by the rules of a folder's `cases.csv`, and put pseudonyms in place of the numbers.

    It does for one referral what `read_referrals` does for a table, in a hundredth of the time.

    Raises:
        UnclearReferral: it names no case or patient, has a field that is not known, or no photograph.
    """
    _check(sent, most_photographs)
    case, patient, lesion = (sent.fields.get(f"{name}_id", "").strip() for name in NUMBERS)
    for name, text in zip(NUMBERS, (case, patient, lesion), strict=True):
        if problem := number_problem(name, text):
            raise UnclearReferral(problem)
    lesion = lesion or case
    values: Row = {}
    remarks: dict[str, None] = {}
    for name in VALUES:
        value = read_value(name, sent.fields.get(name, "").strip())
        if isinstance(value, Unclear):
            remarks[read_as_unknown(value)] = None
            value = ""
        if name == "age" and value and float(value) == AGE_SENTINEL:
            remarks[AGE_SENTINEL_SAID] = None
            value = ""
        values[name] = value
    of_case: Row = {
        "case_id": numbers.case(case),
        "patient_id": numbers.patient(patient),
        "lesion_id": numbers.lesion(patient, lesion),
        "lesion_in_case": numbers.lesion_in_case(case, lesion),
        OF_SENDER: one_line(sent.site),
        **values,
        "age": float(values["age"]) if values["age"] else None,
    }
    photographs = sorted((photograph.role, photograph.sha256) for photograph in sent.photographs)
    rows: tuple[Row, ...] = tuple({**of_case, OF_PHOTOGRAPH: ROLES[photograph.role]} for photograph in sent.photographs)
    return HiddenReferral("r" + sha256_json([of_case, photographs])[:24], rows, tuple(remarks), sent)


def no_photograph() -> str:
    """What is said where no photograph was sent."""
    return message("no photograph came with it: send at least one as %(roles)s", roles=" or ".join(ROLES))


def _check(sent: SentReferral, most_photographs: int) -> None:
    unknown = sorted(set(sent.fields) - set(FIELDS))
    if unknown:
        shown = ", ".join(name[:40] if name.isidentifier() else "one with other characters" for name in unknown[:3])
        raise UnclearReferral(
            message("unknown fields (%(fields)s): send %(known)s", fields=shown, known=", ".join(FIELDS))
        )
    for name, text in sent.fields.items():
        if len(text) > LONGEST:
            raise UnclearReferral(
                message("%(field)s is longer than %(number)s characters: shorten it", field=name, number=LONGEST)
            )
        if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co") for letter in text):
            raise UnclearReferral(message("%(field)s holds control characters: send it as plain text", field=name))
    if not sent.photographs:
        raise UnclearReferral(no_photograph())
    if len(sent.photographs) > most_photographs:
        count = len(sent.photographs)
        raise UnclearReferral(
            message("%(count)s photographs are too many: send at most %(total)s", count=count, total=most_photographs)
        )
