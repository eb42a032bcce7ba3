"""Two policies are compared value by value, whichever release wrote them."""

from dermai.gate.policy import GatePolicy
from dermai.gate.recorded_policy import RecordedPolicy, policy_changes


def changes(before, after):
    return policy_changes(RecordedPolicy.of(before), RecordedPolicy.of(after))


def test_equal_policies_differ_in_nothing():
    assert changes(GatePolicy(alpha=0.04), GatePolicy(alpha=0.04)) == ()


def test_every_value_that_differs_is_named_with_both():
    after = GatePolicy(
        approval="manual", gated_classes=["MM"], floors={"MM": 0.8}, guards={"sensitivity_drop": 0.05}
    )  # fmt: skip
    assert changes(GatePolicy(), after) == (
        'approval from "auto" to "manual"',
        'gated_classes from ["MM", "BCC"] to ["MM"]',
        "floors.MM from 0.7 to 0.8",
        "floors.BCC is gone: it was 0.6",
        "guards.sensitivity_drop from 0.03 to 0.05",
    )


def test_a_rule_for_another_class_is_new():
    assert changes(GatePolicy(), GatePolicy(floors={"MM": 0.7, "BCC": 0.6, "ActKer": 0.5})) == (
        "floors.ActKer is new: 0.5",
    )
    assert changes(GatePolicy(), GatePolicy(target_sensitivities={})) == (
        "target_sensitivities.MM is gone: it was 0.9",
        "target_sensitivities.BCC is gone: it was 0.85",
    )


def test_a_rule_that_an_upgrade_took_away_counts():
    before = RecordedPolicy({**RecordedPolicy.of(GatePolicy()).root, "quorum": 2})
    assert policy_changes(before, RecordedPolicy.of(GatePolicy())) == ("quorum is gone: it was 2",)


def test_a_policy_from_before_the_test_patients_had_a_rule_is_one_by_which_every_diagnosis_counted():
    values = RecordedPolicy.of(GatePolicy()).root
    standards = {key: value for key, value in values["reference_standards"].items() if key != "test_patients"}
    before = RecordedPolicy({**values, "reference_standards": standards})
    kept = GatePolicy(reference_standards={"test_patients": "every_diagnosis"})
    assert policy_changes(before, RecordedPolicy.of(kept)) == ()
    assert policy_changes(before, RecordedPolicy.of(GatePolicy())) == (
        'reference_standards.test_patients from "every_diagnosis" to "confirmed"',
    )
