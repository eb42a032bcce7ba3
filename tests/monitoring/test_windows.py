"""Which photographs a run of the monitoring judges: all of them once, whatever clocks, dates and kills do."""

import shutil
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dermai.config import MonitoringParams
from dermai.prediction_log.log import PredictionLog
from monitoring.earlier_histories import judged_before
from monitoring.judged_rows import JudgedRows
from monitoring.windows import next_windows

PARAMS = MonitoringParams().model_copy(update={"window": 3, "most_windows": 2})
DAYS = ("2026-03-02", "2026-03-01", "2036-01-01")
FOLDER = st.tuples(
    st.sampled_from(DAYS),
    st.integers(0, 59),  # the minute that the clock shows
    st.lists(st.integers(0, 25), min_size=1, max_size=12, unique=True),
    st.integers(0, 3),  # windows that the run after it judges before it is killed
)


def append(log, day, minute, numbers):
    rows = pd.DataFrame(
        {"image": [f"{number:064x}" for number in numbers], "predicted_at": pd.Timestamp(day, tz="UTC")}
    )
    rows["case_id"] = rows["lesion_id"] = rows["patient_id"] = rows["image"].str[-4:]
    (part,) = log.append(rows, np.zeros((len(rows), 2), dtype=np.float32), "1")
    number_and_random = part.name.split("-", 2)[2]
    part.rename(part.with_name(f"part-20260302T10{minute:02d}00000000-{number_and_random}"))


def judge(log, judged, most=9):
    """One run that is killed after `most` windows; what it judged, and what it leaves waiting."""
    found = next_windows(log, "1", judged, PARAMS)
    seen, judged = [], found.judged
    for window in found.windows[:most]:
        seen += list(window.photographs.table["image"])
        judged = found.after(judged, window)
    return seen, JudgedRows.model_validate_json(judged.model_dump_json()), found.left


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(folders=st.lists(FOLDER, min_size=1, max_size=5))
def test_every_photograph_is_judged_once_or_waits(tmp_path, folders):
    shutil.rmtree(tmp_path / "log", ignore_errors=True)
    log, judged, seen, logged = PredictionLog(tmp_path / "log", tmp_path / "cache"), JudgedRows(), [], set()
    for day, minute, numbers, killed_after in folders:
        append(log, day, minute, numbers)
        logged |= {f"{number:064x}" for number in numbers}
        now, judged, _ = judge(log, judged, killed_after)
        seen += now
    left = PARAMS.window
    for _ in range(20):
        now, judged, left = judge(log, judged)
        seen += now
        if not now:
            break
    assert len(seen) == len(set(seen))
    assert len(logged) - len(seen) == left < PARAMS.window


def test_a_late_folder_that_an_earlier_release_passed_over_is_judged(tmp_path):
    log = PredictionLog(tmp_path / "log")
    append(log, DAYS[0], 1, [0, 1, 2, 9])
    append(log, DAYS[0], 2, [3, 4])
    last = datetime.fromisoformat(DAYS[0] + "T00:00:00+00:00")
    earlier = SimpleNamespace(
        last=last, last_image=f"{9:064x}", photographs=4, first=last, skipped_before=False
    )  # fmt: skip
    judged = judged_before(log, "1", [earlier])
    append(log, DAYS[1], 3, [5])
    seen, _, left = judge(log, judged)
    assert sorted(int(image, 16) for image in seen) == [3, 4, 5]
    assert left == 0
