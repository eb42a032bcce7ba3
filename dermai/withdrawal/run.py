"""`dermai withdraw`: one recorded run, which finds what is still there, so that one that was killed goes on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dermai.audit import AuditLog
from dermai.audit.beginning import settled_logs
from dermai.config import Params
from dermai.data.pseudonyms import Pseudonyms, load_pseudonyms
from dermai.errors import DermaiError, InvalidParams
from dermai.files import locked, sha256_file
from dermai.ingest.one_intake import alone as one_intake
from dermai.promotion.exclusive import check_log, lock_file
from dermai.promotion.transaction import delete_replaced
from dermai.records.log import records_of
from dermai.records.withdrawals import WithdrawalBegun, WithdrawalEnded
from dermai.registry.champion import ModelReference
from dermai.registry.registry import Registry
from dermai.registry.versions import ModelVersion
from dermai.triage.run import alone as one_triage
from dermai.withdrawal import dataset, deliveries, referrals, sweeping
from dermai.withdrawal.backups import HeldBackup, backups_below, dropped
from dermai.withdrawal.collecting import Asked, collect
from dermai.withdrawal.kept import IN_USE, kept_places, package_folders
from dermai.withdrawal.removals import Removal, Step
from dermai.withdrawal.search import find_traces
from dermai.withdrawal.traces import Traces
from dermai.withdrawal.verification import search
from dermai.workspace import Workspace

Watch = Callable[[str], None]


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawal removed, what stays and why, and which backups hold the patient still."""

    withdrawal: str
    removed: int
    kept: dict[str, str]
    learnt_by: tuple[ModelReference, ...]
    backups: tuple[Path, ...]


@dataclass(frozen=True)
class Withdrawal:
    """A withdrawal in a workspace. `first` and `further` are the steps of rooms that this one does not know."""

    workspace: Workspace
    params: Params
    asked: Asked
    first: Sequence[Step] = ()
    further: Sequence[Step] = ()
    backups: Sequence[Path] = ()
    drop_backups: bool = False

    def rehearse(self) -> tuple[Traces, list[Removal], tuple[ModelReference, ...]]:
        """What would go, and which versions learnt the patient; nothing is written."""
        traces = collect(self.workspace, self._keys, self.asked)
        return traces, self._listed(traces), self._learnt_by(traces)

    def run(self, watch: Watch = lambda place: None) -> Withdrawn:
        """Erase the patient; `watch` is told of each place before it is touched.

        Raises:
            InvalidParams: nobody answers for it.
            DermaiError: nothing here knows the patient, or something is left that no step may touch.
            AuditLogDamaged: the audit log takes no record; nothing was removed.
        """
        if not all(text.strip() for text in (self.asked.approver, self.asked.role, self.asked.reason)):
            raise InvalidParams("a withdrawal needs a named person: --approver, --role and --reason")
        if re.search(rf"(?<!\w){re.escape(self.asked.patient.strip())}(?!\w)", self.asked.reason):
            raise InvalidParams("--reason names the patient, and the signed log keeps it for good: say it without")
        audit = AuditLog(self.workspace.audit_log)
        with locked(lock_file(self.workspace)):
            check_log(audit)
        with one_intake(self.workspace), one_triage(self.workspace):
            traces = collect(self.workspace, self._keys, self.asked)
            watch("list")
            traces.write(self.workspace)
            learnt = self._begin(audit, traces, watch)
            removed = 0
            for step in self._steps():
                for removal in list(step(traces)):
                    watch(removal.place)
                    removal.remove()
                    removed += 1
            return self._end(audit, traces, removed, learnt, watch)

    def _begin(self, audit: AuditLog, traces: Traces, watch: Watch) -> tuple[ModelReference, ...]:
        """Write down what will be done, unless a run that died has done so of the same traces and versions.

        An update that ran meanwhile may have registered one more that learnt the patient.
        """
        digest = sha256_file(traces.file(self.workspace))
        before = [r.body for r in records_of(audit, WithdrawalBegun) if r.body.withdrawal == traces.withdrawal]
        same = [begun for begun in before if begun.file_sha256 == digest]
        learnt = self._learnt_by(traces)
        if same and set(learnt) <= set(same[-1].learnt_by):
            return same[-1].learnt_by
        learnt += tuple(known for begun in before for known in begun.learnt_by if known not in learnt)
        counts = Counter(_kind(removal) for removal in self._listed(traces))
        watch("record")
        audit.append(
            WithdrawalBegun(
                approver=traces.approver,
                role=traces.role,
                reason=traces.reason,
                withdrawal=traces.withdrawal,
                file_sha256=digest,
                photographs=len(traces.images),
                traces=dict(sorted(counts.items())),
                learnt_by=learnt,
            )
        )
        return learnt

    def _listed(self, traces: Traces) -> list[Removal]:
        """What each step would remove, by the step that comes first."""
        found: dict[str, Removal] = {}
        for step in self._steps():
            for removal in step(traces):
                if not any(str(parent) in found for parent in Path(removal.place).parents):
                    found.setdefault(removal.place, removal)
        return list(found.values())

    def _end(
        self, audit: AuditLog, traces: Traces, removed: int, learnt: tuple[ModelReference, ...], watch: Watch
    ) -> Withdrawn:
        kept = kept_places(self.workspace, self._registry)
        watch("search")
        found = search(self.workspace, kept, traces)
        if found.finds:
            shown = "; ".join(str(find) for find in found.finds[:5])
            raise DermaiError(
                f"{len(found.finds)} traces are left where dermai may not touch them: {shown}; delete them, then run "
                "this again"
            )
        holding = tuple(backup.folder for backup in self._backups(traces) if backup.holds)
        stays = found.kept | {str(backup): "a backup: --drop-backups, once a newer one is there" for backup in holding}
        watch("end")
        audit.append(WithdrawalEnded(withdrawal=traces.withdrawal, removed=removed, kept=_without_names(stays, traces)))
        return Withdrawn(traces.withdrawal, removed, stays, learnt, holding)

    def _steps(self) -> list[Step]:
        """In this order: what says where the rest lies goes after the rest."""
        here, keys = self.workspace, self._keys
        return [
            *self.first,
            partial(deliveries.delivered, here, keys),
            partial(deliveries.quarantined, here, keys),
            partial(referrals.inbox_entries, here),
            partial(referrals.logged_answers, here),
            partial(referrals.referred_photographs, here),
            *self.further,
            partial(dataset.case_table, here),
            partial(dataset.photographs, here),
            partial(dataset.dataset_version, here),
            partial(dataset.dataset_history, here),
            self._packages,
            partial(sweeping.caches, here),
            partial(sweeping.index_of_dvc, here),
            self._rest,
            self._dropped_backups,
        ]

    def _packages(self, traces: Traces) -> Iterator[Removal]:
        learnt = self._learnt_by(traces)
        for version in self._registry.versions() if self._registry else ():
            if not set(version.aliases) & IN_USE and ModelReference.of(version) in learnt:
                why = "a package that learnt the patient and that no alias needs"
                yield Removal(f"version {version.version}", why, self._delete_packages)

    def _delete_packages(self) -> None:
        delete_replaced(self.workspace, self.params)

    def _rest(self, traces: Traces) -> Iterator[Removal]:
        return sweeping.everything_else(self.workspace, kept_places(self.workspace, self._registry), traces)

    def _dropped_backups(self, traces: Traces) -> Iterator[Removal]:
        if self.drop_backups:
            written = AuditLog(self.workspace.audit_log).entries()
            logs = {"", *(entry.log for entry in written[:1]), *settled_logs(written)}
            yield from dropped(self._backups(traces), logs)

    def _backups(self, traces: Traces) -> list[HeldBackup]:
        named = [Path(self.params.clockwork.backup_folder)] if self.params.clockwork.backup_folder else []
        return backups_below([*named, *self.backups], kept_places(self.workspace, self._registry), traces)

    def _learnt_by(self, traces: Traces) -> tuple[ModelReference, ...]:
        """The registered versions whose package names one of the photographs."""
        if self._registry is None:
            return ()
        return tuple(
            ModelReference.of(version)
            for version in self._registry.versions()
            if any(find_traces(file, traces) for file in _files_of(self._registry, version))
        )

    @property
    def _registry(self) -> Registry | None:
        return Registry(self.workspace, self.params) if Registry.exists(self.workspace) else None

    @property
    def _keys(self) -> Pseudonyms:
        return load_pseudonyms(self.workspace, record=False)


def _files_of(registry: Registry, version: ModelVersion) -> Iterator[Path]:
    for folder in package_folders(registry, version)[:1]:
        yield from (file for file in sorted(folder.rglob("*")) if file.is_file())


def _kind(removal: Removal) -> str:
    return removal.why.partition(",")[0].lstrip("0123456789 of")


def _without_names(kept: dict[str, str], traces: Traces) -> dict[str, str]:
    """The audit log names no patient."""
    names = [word.decode() for word in traces.words]
    return {place: why for place, why in kept.items() if not any(name in place for name in names)}
