"""A service with five referred cases."""

import pytest

from dermai.workspace import Workspace
from tests.web.reading.referred import refer


@pytest.fixture
def referred(workspace: Workspace) -> Workspace:
    """The test's workspace, with the cases of `tests.web.reading.referred`."""
    refer(workspace)
    return workspace
