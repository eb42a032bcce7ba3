"""The sender's own numbers of referrals, as the pseudonyms that stand in their place."""

from __future__ import annotations

from dataclasses import dataclass

from dermai.data.pseudonyms import Pseudonyms

SOURCE = "dermai"  # the service's own cases; published datasets have names of their own


@dataclass(frozen=True)
class SenderNumbers:
    """Case, patient and lesion numbers of one source, as its tables write them.

    >>> numbers = SenderNumbers(Pseudonyms(b"a secret of at least 32 characters"))
    >>> numbers.lesion("patient 7", "1") == numbers.lesion("patient 8", "1")
    False
    """

    pseudonyms: Pseudonyms
    source: str = SOURCE

    def case(self, case: str) -> str:
        """The pseudonym of a case number."""
        return self.pseudonyms.case(self.source, case)

    def patient(self, patient: str) -> str:
        """The pseudonym of a patient number."""
        return self.pseudonyms.patient(self.source, patient)

    def lesion(self, patient: str, lesion: str) -> str:
        """The pseudonym of a lesion, which is numbered within its patient."""
        return self.pseudonyms.lesion(self.source, f"{patient}/{lesion}")

    def lesion_in_case(self, case: str, lesion: str) -> str:
        """A second pseudonym of the lesion, for tables that name a case and a lesion and no patient."""
        return self.pseudonyms.lesion_in_case(self.source, case, lesion)
