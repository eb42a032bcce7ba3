"""The sender's own numbers of referrals, as the pseudonyms that stand in their place."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from dermai.data.identifiers import canonical_identifier
from dermai.data.pseudonyms import Kind, Pseudonyms

SOURCE = "dermai"  # the service's own cases; published datasets have names of their own


@dataclass(frozen=True)
class SenderNumbers:
    """Case, patient and lesion numbers of one source, however its tables spell them.

    `known` gives the pseudonyms that are stored already; it is asked for numbers in an unusual spelling only, which an
    earlier release may have stored as it was written.

    >>> numbers = SenderNumbers(Pseudonyms(b"a secret of at least 32 characters"))
    >>> numbers.lesion("patient 7", "1") == numbers.lesion("patient 8", "1")
    False
    """

    pseudonyms: Pseudonyms
    source: str = SOURCE
    known: Callable[[], Set[str]] = frozenset

    def case(self, case: str) -> str:
        """The pseudonym of a case number."""
        return self._stored("case", case)

    def patient(self, patient: str) -> str:
        """The pseudonym of a patient number."""
        return self._stored("patient", patient)

    def lesion(self, patient: str, lesion: str) -> str:
        """The pseudonym of a lesion, which is numbered within its patient."""
        return self._stored("lesion", f"{patient}/{lesion}")

    def lesion_in_case(self, case: str, lesion: str) -> str:
        """A second pseudonym of the lesion, for tables that name a case and a lesion and no patient."""
        usual = all(canonical_identifier(text) == text.strip() for text in (case, lesion))
        return self.pseudonyms.lesion_in_case(self.source, case, lesion, frozenset() if usual else self.known())

    def _stored(self, kind: Kind, identifier: str) -> str:
        usual = canonical_identifier(identifier) == identifier.strip()
        return self.pseudonyms.stored(kind, self.source, identifier, frozenset() if usual else self.known())
