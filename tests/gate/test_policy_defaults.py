"""The defaults that approvals rest on are pinned: a changed one needs a version of its own."""

from dermai.gate.policy import GatePolicy
from dermai.gate.policy_defaults import DEFAULTS, defaults_version, flat, nested, pinned_defaults


def test_no_default_was_changed_without_a_new_version_of_the_defaults():
    shipped = flat(GatePolicy().model_dump(mode="json"))
    assert {key: shipped.get(key) for key in pinned_defaults()} == pinned_defaults(), (
        "a default of the gate's policy was changed: add a version with the new value to DEFAULTS"
    )


def test_each_version_says_only_what_it_changed(monkeypatch):
    monkeypatch.setitem(DEFAULTS, 99, {"alpha": 0.04})
    assert (defaults_version(), pinned_defaults()["alpha"]) == (99, 0.04)
    assert pinned_defaults()["harm_alpha"] == 0.05


def test_flat_keys_lead_back_to_the_nested_policy():
    values = GatePolicy(target_sensitivities={}).model_dump(mode="json")
    assert nested(flat(values)) == values
