"""Whether a served version is a provisional champion, and for how long it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pandas as pd

from dermai.errors import Refused
from dermai.taxonomy import RiskLevel

# Tags of a registered version, as the registry sets them: its package's hash, and a day or `ENDED`.
SHA256, PROVISIONAL_UNTIL, ENDED = "sha256", "provisional_until", "ended"


@dataclass(frozen=True)
class ServedStanding:
    """`until` is the last day of a provisional champion, `ENDED`, or "" for any other version."""

    until: str = ""

    def mark(self, answers: pd.DataFrame, on: date | None = None) -> pd.DataFrame:
        """The answers as they may leave the server: of a provisional champion none is `normal`, each says until when.

        Raises:
            Refused: its time is over.
        """
        if not self.until:
            return answers
        if self.until == ENDED or (on or datetime.now(UTC).date()) > date.fromisoformat(self.until):
            raise Refused("this version was a provisional champion and answers no longer: `dermai status` says more")
        risk = [RiskLevel(level).to_be_read.value for level in answers["risk"]]
        return answers.assign(risk=risk, provisional_until=self.until)


def served_standing(package_sha256: str) -> ServedStanding:
    """What the registry that this process was given says of a package; a copy outside any registry has no standing.

    It is read once, when the version is loaded: a server is restarted after `dermai promote`, `reject` and `rollback`.
    """
    import mlflow

    if not mlflow.is_tracking_uri_set():
        return ServedStanding()
    found = mlflow.MlflowClient().search_model_versions(f"tags.`{SHA256}` = '{package_sha256}'")
    return ServedStanding(next((version.tags.get(PROVISIONAL_UNTIL, "") for version in found), ""))
