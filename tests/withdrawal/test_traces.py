"""What a patient is known by is looked for, and what could be anybody's is not."""

from __future__ import annotations

from dermai.withdrawal.traces import Traces


def test_a_name_that_could_stand_in_a_column_of_others_is_not_looked_for() -> None:
    patient, image = "p" + "0" * 20, "a" * 64
    traces = Traces(
        withdrawal="1", patients=(patient,), names=("1", "unknown", patient), images=(image,), begun="", approver="",
        role="", reason="",
    )  # fmt: skip
    assert traces.identifiers == {patient, image}
    assert traces.spoken == (image, "a" * 10, patient)
