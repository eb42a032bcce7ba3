"""Not one module: whoever has everything but the keys cannot bend what decides unseen.

Every edit is found (a command that relies on it refuses, or `dermai audit verify`, `doctor` or `status` names it) or
harmless (what triage, monitoring, the gate, an update, shadow mode and a rollback say is unchanged).
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dermai.workspace import WORKSPACE_VARIABLE
from tests.promotion.edits import edits
from tests.promotion.evidence import Evidence

SEED = 21
EDITS = edits()
# Nearly all of these are found, which takes a tenth of the time that it takes to see that one is harmless.
QUICK = [kind for kind in EDITS if kind.startswith(("predictions:", "diagnoses:")) and "rolled back" not in kind]
QUICK += ["records: a character changed", "records: a line deleted", "records: two lines exchanged",
          "records: a line repeated", "records: cut short", "records: deleted"]  # fmt: skip
IN_CI, IN_ALL = 6, 30  # edits of each kind


@pytest.fixture(scope="module")
def evidence(tmp_path_factory, four_versions, request):
    """One workspace for all edits of this module, with keys of its own."""
    root = tmp_path_factory.mktemp("evidence")
    with pytest.MonkeyPatch.context() as patched:
        set_keys(patched, root)
        yield Evidence.build(root, four_versions.parent)


@pytest.fixture(autouse=True)
def keys_of_the_evidence(private_keys, evidence, monkeypatch):
    set_keys(monkeypatch, evidence.root)


def set_keys(patched, root):
    patched.setenv(WORKSPACE_VARIABLE, str(root / "workspace"))
    patched.setenv("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")  # no page of a store that was edited is remembered
    for name in ("audit", "pseudonym"):
        patched.setenv(f"DERMAI_{name.upper()}_KEY_FILE", str(root / "keys" / f"{name}.key"))


def fuzz(evidence, kinds, times):
    """So many edits of each kind: how often each came out how, and each that neither was found nor is harmless."""
    counts, unseen = {}, []
    for kind in kinds:
        edit = EDITS[kind]
        rng = np.random.default_rng([SEED, *kind.encode()])
        counts[kind] = Counter()
        for _ in range(times):
            what = edit(evidence, rng)
            outcome, said = evidence.outcome()
            counts[kind][outcome] += 1
            if outcome not in ("found", "harmless"):
                unseen.append(f"{outcome}: {kind}: {what}: {said}")
            evidence.put_back()
    return counts, unseen


def table(counts):
    outcomes = ("found", "harmless", "unseen", "crash")
    lines = [f"{'':<48}" + "".join(f"{name:>10}" for name in outcomes)]
    lines += [f"{kind:<48}" + "".join(f"{of_kind[name]:>10}" for name in outcomes) for kind, of_kind in counts.items()]
    total = sum(counts.values(), Counter())
    return "\n".join(
        [*lines, f"{'all ' + str(total.total()):<48}" + "".join(f"{total[name]:>10}" for name in outcomes)]
    )


@pytest.mark.slow
def test_what_is_read_most_is_found_wherever_it_is_edited(evidence):
    assert evidence.named() == []
    counts, unseen = fuzz(evidence, QUICK, IN_CI)
    print("\n" + table(counts))
    assert sum(of_kind.total() for of_kind in counts.values()) > 100
    assert unseen == []


@pytest.mark.long
def test_unedited_evidence_says_the_same_again(evidence):
    assert evidence.outcome() == ("harmless", "")
    evidence.put_back()


@pytest.mark.long
@pytest.mark.timeout(0)
def test_two_thousand_edits_of_every_kind_are_found_or_harmless(evidence):
    counts, unseen = fuzz(evidence, EDITS, IN_ALL)
    print("\n" + table(counts))
    assert sum(of_kind.total() for of_kind in counts.values()) >= 2000
    assert unseen == []
