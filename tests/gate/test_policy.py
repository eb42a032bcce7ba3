"""The policy: typed, complete, and identified by its content."""

import pytest
from pydantic import ValidationError

from dermai.gate.policy import GatePolicy
from dermai.gate.policy_defaults import DEFAULTS
from dermai.taxonomy import load_taxonomy


def test_the_hash_is_that_of_the_content():
    assert GatePolicy().hash == GatePolicy.model_validate(GatePolicy().model_dump(mode="json")).hash
    assert GatePolicy(floors={"MM": 0.7, "BCC": 0.61}).hash != GatePolicy().hash


def test_the_hash_covers_what_differs_from_the_defaults_and_their_version(monkeypatch):
    class LaterPolicy(GatePolicy):
        longest_wait: int = 0

    before = GatePolicy(alpha=0.04).hash
    assert LaterPolicy(alpha=0.04).hash == before
    assert LaterPolicy(alpha=0.04, longest_wait=1).hash != before
    monkeypatch.setitem(DEFAULTS, 99, {"fewest_lesions": 12})
    assert GatePolicy(alpha=0.04).hash != before


def test_the_hash_of_records_from_before_the_versions_is_known():
    class LaterPolicy(GatePolicy):
        longest_wait: int = 0

    shipped = "4b31ba7d3515b6b720e45574dc0661004da443841d8b23b64b559a674c3e9c4e"  # as an earlier release wrote it
    as_then = {"shadow": {"alpha": 0.05}}
    assert GatePolicy(**as_then).unversioned_hash == LaterPolicy(**as_then).unversioned_hash == shipped
    assert LaterPolicy(**as_then, longest_wait=1).unversioned_hash != shipped


def test_the_benign_pool_is_the_taxonomys_unless_named():
    assert GatePolicy().benign_classes == load_taxonomy().benign
    assert GatePolicy(guards={"benign_classes": ["Nev"]}).benign_classes == ("Nev",)


@pytest.mark.parametrize(("changed", "said"), [
    ({"alpha": 0.5}, "alpha"),
    ({"floors": {"MM": 0.7}}, "floors says nothing of BCC"),
    ({"margins": {"anchor": {"MM": 0.1}}}, "margins.anchor says nothing of BCC"),
    ({"floors": {"MM": 0.7, "BCC": 0.6, "Melanoma": 0.7}}, "unknown classes: Melanoma"),
    ({"gated_classes": []}, "at least one"),
    ({"gated_classes": ["MM", "MM"]}, "each gated class once"),
    ({"guards": {"benign_classes": ["MM"]}}, "cannot be one of guards.benign_classes"),
    ({"guards": {"age_bands": [60, 40]}}, "age_bands must rise"),
    ({"floor": 0.7}, "floor"),
    ({"mode": "none"}, "mode"),
])  # fmt: skip
def test_a_policy_that_makes_no_sense_is_refused(changed, said):
    with pytest.raises(ValidationError, match=said):
        GatePolicy(**changed)


def test_a_policy_cannot_be_changed_in_place():
    with pytest.raises(ValidationError):
        GatePolicy().alpha = 0.5
