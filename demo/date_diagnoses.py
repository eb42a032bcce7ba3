"""For the demo: the diagnoses of simulated referrals, as a pathologist would have reported them three weeks later."""

import sys
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

cases, received_on = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
table = pd.read_csv(cases, dtype=str, keep_default_na=False)[["case_id", "lesion_id", "diagnosis"]]
dated = table.assign(confirmed_by="histology", confirmed_on=str(received_on + timedelta(days=21)))
dated.to_csv(cases.with_name("diagnoses.csv"), index=False)
