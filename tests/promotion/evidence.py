"""A small real workspace with all that decides in it, and what each command makes of it.

`Evidence` holds one workspace in one place and puts it back after every edit, file by file: MLflow opens a store once
for each place, and that takes longer than all the rest.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from dermai.audit import AuditLog
from dermai.config import Params, load_params
from dermai.doctor.machine import check_keys
from dermai.doctor.records import check_ledger, check_models, check_records
from dermai.doctor.services import check_registry as check_store
from dermai.errors import DermaiError
from dermai.gate.policy import GatePolicy
from dermai.prediction_log.confirmations import read_every_confirmation, with_diagnoses
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.judgement import judge
from dermai.promotion.recorded_evidence import verify_evidence
from dermai.promotion.recorded_models import check_registry
from dermai.promotion.shadow_mode import settle_challenger
from dermai.promotion.status import read_status
from dermai.promotion.transaction import repair, rollback
from dermai.registry.champion import find_reference_models, load_reference_package
from dermai.registry.registry import Registry
from dermai.triage.run import run_triage
from dermai.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.gate.simulated import first_hit, lesions
from tests.promotion.fleet import WHO, Fleet
from tests.promotion.test_shadow_mode import confirm_all, log_answers
from tests.triage.referrals import write_referrals

POLICY = GatePolicy()
GOOD = lesions({code: first_hit(90, 100) for code in ("MM", "BCC", "Nev")})
WHEN = datetime(2026, 3, 1, tzinfo=UTC)
SNAPSHOTS = 3  # of earlier moments, each of which an attacker may have kept


def tell_the_story(fleet: Fleet, root: Path) -> Iterator[None]:
    """Three promotions, a rollback, a challenger that waits, uses of the test patients, referrals and diagnoses.

    Yields at the moments of which somebody may keep a copy.
    """
    workspace, params = fleet.workspace, fleet.params
    fleet.champions(2)
    judge(workspace, POLICY, GOOD, GOOD, candidate_id="2", champion_id="1")
    log_answers(fleet, "2", named="early-")
    yield
    fleet.champions(1)
    rollback(workspace, params, **WHO)
    fleet.candidate("insufficient_evidence")
    judge(workspace, POLICY, GOOD, GOOD, candidate_id="4", champion_id="2")
    for version in ("1", "2", "4"):
        diagnoses = log_answers(fleet, version, wrong=0.1 if version == "4" else 0.0, cases=12)
    confirm_all(fleet, diagnoses.iloc[::3])
    yield
    folder = write_referrals(root / "referrals", 3)
    run_triage(workspace, params, folder, root / "worklist", WHEN)
    confirm_all(fleet, diagnoses.iloc[1::3])
    settle_challenger(workspace, params)
    yield
    confirm_all(fleet, diagnoses.iloc[2::3])
    shutil.rmtree(folder)
    write_referrals(folder, 3)


@dataclass
class Evidence:
    """The workspace below `root`, the audit key beside it, copies of earlier moments, and what is said of it all."""

    root: Path
    params: Params
    earlier: list[Path] = field(default_factory=list)
    expected: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def build(cls, root: Path, store: Path) -> Evidence:
        """The workspace at `root`/workspace with the registry of the four versions, and its story told."""
        place = root / "workspace"
        shutil.copytree(store / "mlartifacts", place / "mlartifacts")
        shutil.copy(store / "mlflow.db", place)
        shutil.copy(REPOSITORY / "params.yaml", place)
        params = load_params(place / "params.yaml")
        quiet = params.triage.model_copy(update={"heat_maps": False})
        found = cls(root, params.model_copy(update={"triage": quiet}))
        fleet = Fleet(found.registry)
        fleet.params = found.params
        for number, _ in enumerate(tell_the_story(fleet, root)):
            found.earlier.append(shutil.copytree(place, root / f"earlier-{number}"))
        shutil.copytree(place, root / "pristine" / "workspace")
        shutil.copytree(root / "keys", root / "pristine" / "keys")
        return found

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root / "workspace")

    @property
    def registry(self) -> Registry:
        return Registry(self.workspace, self.params)

    def put_back(self) -> None:
        """Undo an edit, and what commands have written since."""
        for part in ("workspace", "keys"):
            here, kept = self.root / part, self.root / "pristine" / part
            files = {path.relative_to(kept) for path in kept.rglob("*") if path.is_file()}
            for path in [path for path in here.rglob("*") if not path.is_dir() or path.is_symlink()]:
                if path.relative_to(here) not in files:
                    path.unlink()
            for name in files:
                if not _same(kept / name, here / name):
                    (here / name).unlink(missing_ok=True)
                    (here / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(kept / name, here / name)
        shutil.rmtree(self.root / "worklist", ignore_errors=True)

    def named(self) -> list[str]:
        """What `dermai audit verify`, `dermai doctor` and `dermai status` name."""
        found = list(verify_evidence(self.workspace, self.params).problems)
        for check in (check_keys, check_store, check_records, check_models, check_ledger):
            found += [finding.what for finding in check(self.workspace, self.params) if finding.state != "ok"]
        return found or [*repair(self.workspace, self.params), *read_status(self.workspace, self.params).problems]

    def answers(self) -> dict[str, Any]:
        """What triage, monitoring, the gate, an update, shadow mode and a rollback say, one after the other."""
        workspace, params = self.workspace, self.params
        audit, log = AuditLog(workspace.audit_log), PredictionLog.of(workspace)
        summary = run_triage(workspace, params, self.root / "referrals", self.root / "worklist", WHEN)
        worklist = (self.root / "worklist" / "worklist.csv").read_text(encoding="utf-8")
        rows = log.read(summary.model_version).table
        check_registry(workspace, params)
        references = find_reference_models(workspace, params)
        packages = [load_reference_package(workspace, found) for found in (references.champion, references.anchor)]
        asked_again = judge(workspace, POLICY, GOOD, GOOD, candidate_id="4", champion_id="2")
        asked_anew = judge(workspace, POLICY, GOOD, GOOD, candidate_id="5", champion_id="2")
        shadow = settle_challenger(workspace, params)
        decisions = [entry.body for entry in audit.entries("shadow_decision")]
        moved = rollback(workspace, params, **WHO)
        return {
            "triage": summary.model_dump(mode="json", exclude={"scored_now"}),
            "worklist": worklist,
            "monitoring": _text(with_diagnoses(log, rows).sort_values("image")),
            "diagnoses": _text(read_every_confirmation(log)),
            "update": [references.model_dump(mode="json"), [package and package.sha256 for package in packages]],
            "gate": [asked_again.repeated, asked_again.use.level, asked_anew.repeated, asked_anew.use.level],
            "shadow mode": [shadow, decisions],
            "rollback": [moved.body, sorted(self.aliases().items())],
        }

    def aliases(self) -> dict[str, str]:
        """Those that dermai reads; one of another name is nothing to it."""
        found = {alias: version.version for version in self.registry.versions() for alias in version.aliases}
        return {alias: found[alias] for alias in ("champion", "challenger", "anchor", "previous") if alias in found}

    def outcome(self) -> tuple[str, str]:
        """`found`, with who says what; `harmless`; or `unseen`, with whose answers differ."""
        try:
            named = self.named()
            if named:
                return "found", named[0]
            answers = self.answers()
        except DermaiError as refusal:
            return "found", str(refusal)
        except Exception as error:  # no refusal that a person could act on
            return "crash", f"{type(error).__name__}: {error}"
        expected = self.expected or self._ask_unedited()
        differ = [name for name, answer in answers.items() if answer != expected[name]]
        return ("unseen", ", ".join(differ)) if differ else ("harmless", "")

    def _ask_unedited(self) -> dict[str, Any]:
        """What is said of the workspace as it was built: asked for once, when it is first needed."""
        self.put_back()
        self.expected = self.answers()
        return self.expected


def _text(table: pd.DataFrame) -> str:
    return table.reset_index(drop=True).to_csv(index=False)


def _same(kept: Path, here: Path) -> bool:
    if not here.is_file() or here.is_symlink():
        return False
    first, second = kept.stat(), here.stat()
    return first.st_size == second.st_size and first.st_mtime_ns == second.st_mtime_ns
