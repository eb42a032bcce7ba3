"""What a version that answered can still tell of its answer, from a real triage."""

from datetime import UTC, datetime

import numpy as np
import pytest

from dermai.config import load_params
from dermai.data.cases import photograph_path
from dermai.data.pseudonyms import load_pseudonyms
from dermai.errors import DermaiError
from dermai.report.overlay import heat_layer
from dermai.triage.case_evidence import evidence_map, operating_points
from dermai.triage.reading_list import ReadingLists
from dermai.triage.run import run_triage
from dermai.triage.scoring import triage_folder
from tests.triage.champion import make_champion
from tests.triage.referrals import write_referrals


def test_the_evidence_of_a_logged_answer_is_made_again_from_the_version_that_gave_it(registry, workspace, tmp_path):
    params = load_params(workspace.params_file, {"triage.heat_maps": False})
    version = make_champion(registry, tmp_path).version
    run_triage(workspace, params, write_referrals(tmp_path / "r", 1), tmp_path / "run", datetime.now(UTC))
    listed = ReadingLists(workspace, load_pseudonyms(workspace)).now(params)
    answer = listed.answer(listed.cases[0])
    found, crop = evidence_map(workspace, params, answer.version, answer.image, answer.called)
    assert answer.version == version
    assert found.ndim == 2
    assert 0 <= found.min() <= found.max() <= 1
    layer = heat_layer(photograph_path(triage_folder(workspace), answer.image), np.ones((4, 4), np.float32), crop)
    assert layer.startswith(b"\x89PNG")
    assert operating_points(workspace, params, version) is operating_points(workspace, params, version)
    with pytest.raises(DermaiError, match="does not know Nothing"):
        evidence_map(workspace, params, version, answer.image, "Nothing")


def test_the_answer_of_a_version_that_is_gone_is_shown_without_its_operating_points(workspace):
    assert operating_points(workspace, load_params(workspace.params_file), "99") == {}
