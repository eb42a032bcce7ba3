"""One version for the tests of a module: documents only read it."""

from __future__ import annotations

import pytest

from dermai.documents.facts import Fact, facts_of
from dermai.documents.version_evidence import VersionEvidence, evidence_of
from tests.documents.made_version import made_version
from tests.promotion.fleet import Fleet


@pytest.fixture
def evidence(fleet: Fleet) -> VersionEvidence:
    """A promoted version's evidence."""
    return evidence_of(fleet.workspace, fleet.params, made_version(fleet))


@pytest.fixture
def facts(evidence: VersionEvidence, fleet: Fleet) -> dict[str, Fact]:
    """What is known of it."""
    return facts_of(evidence, fleet.params)
