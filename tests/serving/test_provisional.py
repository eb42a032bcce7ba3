"""A served provisional champion marks its answers and stops when its time is over."""

from __future__ import annotations

import base64
import io
from datetime import UTC, date, datetime, timedelta

import mlflow
import numpy as np
import pandas as pd
import pytest

from dermai.errors import Refused
from dermai.serving.provisional import ServedStanding
from tests.promotion.fleet import WHO
from tests.triage.referrals import paint

ANSWERS = pd.DataFrame({"predicted": ["Nev", "MM"], "risk": ["normal", "high_priority"]})


def photograph():
    content = io.BytesIO()
    paint(np.random.default_rng(0)).save(content, "JPEG", quality=95)
    return pd.DataFrame({"photograph": [base64.b64encode(content.getvalue()).decode()]})


@pytest.fixture
def load(fleet, monkeypatch):
    """The champion as a server loads it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", fleet.workspace.tracking_uri)
    return lambda: mlflow.pyfunc.load_model(f"models:/{fleet.registry.name}@champion")


def test_no_answer_is_normal_and_each_says_until_when():
    marked = ServedStanding("2027-03-01").mark(ANSWERS, date(2027, 3, 1))
    assert marked["risk"].tolist() == ["priority", "high_priority"]
    assert set(marked["provisional_until"]) == {"2027-03-01"}


@pytest.mark.parametrize("until", ["2027-03-01", "ended"])
def test_after_its_time_it_answers_nothing(until):
    with pytest.raises(Refused, match="answers no longer"):
        ServedStanding(until).mark(ANSWERS, date(2027, 3, 2))


def test_any_other_version_answers_as_ever():
    assert ServedStanding().mark(ANSWERS) is ANSWERS


def test_a_provisional_champion_that_is_loaded_from_the_registry_marks_its_answers(fleet, load):
    fleet.promote(fleet.candidate("insufficient_evidence"), provisional=True)
    answers = load().predict(photograph())
    until = datetime.now(UTC).date() + timedelta(days=fleet.params.gate.provisional.days)
    assert answers["provisional_until"].tolist() == [until.isoformat()]


def test_a_regular_champion_that_is_loaded_from_the_registry_has_no_mark(fleet, load):
    fleet.promote(fleet.candidate())
    assert "provisional_until" not in load().predict(photograph())


def test_a_rejected_provisional_champion_is_refused_by_the_server(fleet, load):
    from dermai.promotion.transaction import reject

    fleet.promote(fleet.candidate("insufficient_evidence"), provisional=True)
    reject(fleet.workspace, fleet.params, "1", **WHO)
    with pytest.raises(mlflow.exceptions.MlflowException, match="answers no longer"):
        load().predict(photograph())
