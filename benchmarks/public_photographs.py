"""Public photographs in a workspace of a benchmark's own."""

from __future__ import annotations

import os
from collections.abc import Callable

import pandas as pd

from dermai.config import Params
from dermai.data.cases import read_cases, trainable
from dermai.files import write_text
from dermai.ingest.delivery import Delivery
from dermai.ingest.intake import IntakeOptions, take_in
from dermai.workspace import Workspace

PUBLIC_KEY = "these photographs are public, so that the key is no secret"  # the folds follow from pseudonyms


def use_public_key(workspace: Workspace) -> None:
    """The same pseudonyms everywhere."""
    key = workspace.root.parent / "keys" / "pseudonym.key"
    write_text(key, PUBLIC_KEY)
    key.chmod(0o600)
    os.environ["DERMAI_PSEUDONYM_KEY_FILE"] = str(key)


def imported_cases(workspace: Workspace, read: Callable[[], Delivery], params: Params) -> pd.DataFrame:
    """The trainable cases of a delivery, through the product's own import; imported where they are not yet."""
    if not workspace.cases_file.is_file():
        use_public_key(workspace)
        report = take_in(read(), workspace, params, IntakeOptions(batch="all"))
        print(f"{report.new.total()} photographs, {report.quarantined.total()} quarantined", flush=True)
    return trainable(read_cases(workspace.cases_file))
