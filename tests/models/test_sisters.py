"""The linear parts of a package, stored and read again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dermai.models.clinical_model import fit_clinical
from dermai.models.linear_head import LinearHead
from dermai.models.sisters import LinearParts, Member


def member(seed: int, clinical: bool = True) -> Member:
    rng = np.random.default_rng(seed)
    cases = pd.DataFrame({"lesion_id": ["a", "b"], "diagnosis": ["Nev", "MM"], "age": [30.0, 70.0]})
    opinion = fit_clinical(cases, ["age"], ("Nev", "MM"), 3.0) if clinical else None
    head = LinearHead(rng.normal(0, 1, (2, 5)).astype(np.float32), rng.normal(0, 1, 2).astype(np.float32))
    return Member(head, opinion, np.array([True, seed != 2, seed != 3]))


def test_parts_are_read_as_they_were_written() -> None:
    parts = LinearParts((2, 3), member(1), {4: member(3), 0: member(2, clinical=False)})
    content = parts.to_bytes()
    again = LinearParts.from_bytes(content)
    assert again.to_bytes() == content
    assert again.blocks == (2, 3)
    assert list(again.sisters) == [0, 4]
    assert again.sisters[0].clinical is None
    assert again.sisters[4].clinical == parts.sisters[4].clinical
    for ours, theirs in ((parts.deployed, again.deployed), (parts.sisters[4], again.sisters[4])):
        assert np.array_equal(ours.head.weight, theirs.head.weight)
        assert np.array_equal(ours.head.bias, theirs.head.bias)
        assert np.array_equal(ours.learnt, theirs.learnt)
