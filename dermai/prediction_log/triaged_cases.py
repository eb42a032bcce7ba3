"""Which case and lesion of the prediction log a person means, by pseudonym or by the sender's own number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from dermai.data.sender_numbers import SenderNumbers
from dermai.language.messages import message
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import Kind, read_retakes


@dataclass(frozen=True)
class TriagedCases:
    """What the log knows of some cases: `scored` has their lesions, `waiting` why others were not scored."""

    scored: pd.DataFrame  # case_id, lesion_id, lesion_in_case, patient_id, once each
    waiting: dict[str, str]
    numbers: SenderNumbers | None

    @classmethod
    def read(cls, log: PredictionLog, cases: Iterable[str], numbers: SenderNumbers | None) -> TriagedCases:
        """Everything about these cases, in whichever way each is named."""
        named = set(cases)
        hidden = set() if numbers is None else {numbers.case(case) for case in named}
        columns = ["case_id", "lesion_id", "lesion_in_case", "patient_id"]
        scored = log.referred(case_id=named | hidden)[columns].fillna("").drop_duplicates()
        waiting = {}
        for case, reason in _asked(log, "set_aside"):
            waiting[case] = message("the case was set aside (%(why)s)", why=reason)
        for case, reason in _asked(log, "retakes"):
            waiting[case] = message("the case waits for a new photograph (%(why)s): triage that first", why=reason)
        return cls(scored, waiting, numbers)

    def find(self, case: str, lesion: str, patient: str = "") -> tuple[str, str, str]:
        """Pseudonyms of case and lesion, and "" or the reason why they are not clear."""
        if not case:
            return case, lesion, message("the row names no case: fill in case_id")
        hidden = case if self.numbers is None else self.numbers.case(case)
        known = self.scored[self.scored["case_id"].isin([case, hidden])]
        if known.empty:
            waits = self.waiting.get(case) or self.waiting.get(hidden)
            return hidden, lesion, waits or message("no photograph of this case was triaged: check the case number")
        found = str(known["case_id"].iloc[0])
        if patient:
            names = {patient} if self.numbers is None else {patient, self.numbers.patient(patient)}
            known = known[known["patient_id"].isin(names)]
            if known.empty:
                return found, lesion, message("the case was triaged for another patient: check case_id and patient_id")
        lesions = sorted(set(known["lesion_id"]))
        if not lesion and len(lesions) == 1:
            return found, lesions[0], ""
        if not lesion:
            return (
                found,
                "",
                message(
                    "the case has %(number)s lesions: say which in lesion_id, %(choices)s",
                    number=len(lesions),
                    choices=self._choices(lesions),
                ),
            )
        meant = self._lesion(known, case, lesion, patient)
        if meant is None:
            return (
                found,
                lesion,
                message(
                    "the case has no lesion %(lesion)s: it has %(choices)s",
                    lesion=repr(lesion),
                    choices=self._choices(lesions),
                ),
            )
        return found, meant, ""

    def _lesion(self, known: pd.DataFrame, case: str, lesion: str, patient: str) -> str | None:
        if lesion in set(known["lesion_id"]):
            return lesion
        if self.numbers is None:
            return None
        if patient and self.numbers.lesion(patient, lesion) in set(known["lesion_id"]):
            return self.numbers.lesion(patient, lesion)
        by_number = set(known["lesion_id"][known["lesion_in_case"] == self.numbers.lesion_in_case(case, lesion)])
        if not by_number and len(set(known["lesion_id"])) == 1:
            # Triaged without a lesion number, which means that the case shows one lesion: it can be no other
            by_number = set(known["lesion_id"][known["lesion_in_case"] == self.numbers.lesion_in_case(case, case)])
        return str(by_number.pop()) if len(by_number) == 1 else None

    def _choices(self, lesions: list[str]) -> str:
        named = " or ".join(lesions)
        return named if self.numbers is None else message("%(choices)s (or your own number of it)", choices=named)


def _asked(log: PredictionLog, kind: Kind) -> list[tuple[str, str]]:
    table = read_retakes(log, kind)[0]
    return list(table[["case_id", "reason"]].itertuples(index=False, name=None))
