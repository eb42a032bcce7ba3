"""Are photographs under licences that this service may use?"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dermai.ingest.row_checks import Problems

OWN = "dermai"  # the service's own cases, which need no licence of a publisher
UNKNOWN = "unknown"


def refused_licences(rows: pd.DataFrame, allowed: Sequence[str]) -> Problems:
    """Rows of publishers whose licence `data.licences` does not name; where it names none, none is refused."""
    names = {name.lower() for name in allowed}
    if not names:
        return {}
    licences = rows["licence"].where(rows["licence"] != "", UNKNOWN)
    refused = (rows["source"] != OWN) & ~licences.str.lower().isin(names)
    fix = f"data.licences allows {', '.join(allowed)}: leave it out, or add the licence after reading it"
    return {int(str(row)): (f"the photograph is under the licence {licences[row]}", fix) for row in rows.index[refused]}
