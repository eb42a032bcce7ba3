"""The bill of software is of the lock file that a version was made with, or says that it is not."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from dataclasses import replace
from pathlib import Path

from dermai.documents.model_bill import check_bill
from dermai.documents.software_bill import INSTALLED, LockedSoftware, locked_software, software_bill
from dermai.documents.version_evidence import VersionEvidence
from dermai.files import sha256_file
from tests.conftest import REPOSITORY
from tests.promotion.fleet import Fleet

SOME = LockedSoftware(
    {name: importlib.metadata.version(name) for name in ("numpy", "pandas", "pytest", "torch")}, "the lock file"
)


def test_the_bill_is_valid_and_names_versions_licences_and_dependencies(evidence: VersionEvidence) -> None:
    text = software_bill(SOME, evidence)
    check_bill(text, "the bill")
    bill = json.loads(text)
    parts = {part["name"]: part for part in bill["components"]}
    assert parts["numpy"]["purl"] == f"pkg:pypi/numpy@{SOME.versions['numpy']}"
    assert parts["numpy"]["licenses"]
    assert (parts["pandas"]["scope"], parts["pytest"]["scope"]) == ("required", "optional")
    needs = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    assert parts["numpy"]["bom-ref"] in needs[parts["pandas"]["bom-ref"]]
    assert parts["torch"]["bom-ref"] in needs["dermai"]
    assert software_bill(SOME, evidence) == text


def test_the_lock_file_counts_where_it_is_that_of_the_record(evidence: VersionEvidence, fleet: Fleet) -> None:
    lock = Path(shutil.copy(REPOSITORY / "requirements.txt", fleet.workspace.root))
    code = evidence.record.code.model_copy(update={"lock_sha256": sha256_file(lock)})
    attempt = replace(evidence.attempt, body=evidence.record.model_copy(update={"code": code}))
    found = locked_software(fleet.workspace, replace(evidence, attempt=attempt))
    assert "the lock file" in found.source
    assert found.versions["cyclonedx-python-lib"]
    assert found.versions["torch"] == importlib.metadata.version("torch")
    lock.write_text("torch==1.0\n")
    assert locked_software(fleet.workspace, replace(evidence, attempt=attempt)).source == INSTALLED
