"""Tables of what `bash benchmarks/updates/real_photographs.sh` left in its workspaces, from their audit logs.

bash benchmarks/updates/real_photographs.sh ../shared/data pad
python -m benchmarks.updates.real_photographs pad
"""

from __future__ import annotations

import argparse
import re

from benchmarks.folders import BENCHMARKS
from dermai.audit import AuditLog
from dermai.evaluation.metrics import Rate
from dermai.evaluation.tables import ResultTable, class_table, percent, strategy_table
from dermai.records.log import records_of
from dermai.records.update_record import UpdateAttempt
from dermai.workspace import Workspace

WORKSPACES = BENCHMARKS / "workspaces"
MEASURED = re.compile(
    r"update \((?P<name>.+)\): (?P<wall>[\d.]+) s wall, (?P<user>[\d.]+) s \+ (?P<system>[\d.]+) s .*"
)


def sensitivity(rate: Rate) -> str:
    """`12 of 14, 85.71 (57.19–98.22)`."""
    return f"{rate.count} of {rate.total}, {percent(rate)}"


def updates_table(names: list[str], attempts: list[UpdateAttempt], gated: tuple[str, ...]) -> ResultTable:
    """One row a model of each update, per lesion of the test patients."""
    rows = []
    for name, attempt in zip(names, attempts, strict=True):
        for role, model in attempt.evaluation.items():
            if role != "candidate" and model.sha256 == attempt.evaluation["candidate"].sha256:
                continue
            found = {code: model.lesions.of_class(code) for code in gated}
            rows.append(
                (
                    f"{name}: {role}",
                    attempt.outcome.replace("_", " ") if role == "candidate" else "",
                    percent(model.lesions.balanced_accuracy),
                    *(sensitivity(row.sensitivity) if row else "" for row in found.values()),
                    percent(model.lesions.accuracy),
                    percent(model.lesions.macro_f1),
                )
            )
    header = ("Update: model", "Decision", "Balanced accuracy", *(f"{code}, sensitivity" for code in gated))
    return ResultTable((*header, "Accuracy", "Macro F1"), tuple(rows))


def cost_table(names: list[str], attempts: list[UpdateAttempt], measured: list[re.Match[str]]) -> ResultTable:
    """What each update took: the training by its own account, the whole command by the operating system's."""
    rows = []
    trained: set[str] = set()
    for name, attempt, times in zip(names, attempts, measured, strict=True):
        training, package = attempt.training, attempt.candidate.sha256
        assert training is not None
        rows.append(
            (
                name,
                str(sum(training.photographs.values())),
                "reused" if package in trained else f"{training.seconds / 60:.1f}",
                f"{float(times['wall']) / 60:.1f}",
                f"{(float(times['user']) + float(times['system'])) / 60:.1f}",
                f"{training.peak_memory_mb['process'] / 1024:.1f}",
                "–" if training.best_epoch is None else str(training.best_epoch),
            )
        )
        trained.add(package)
    return ResultTable(
        ("Update", "Photographs learnt", "Training, min", "Command, min", "Processor, min", "Peak memory, GiB",
         "Best epoch"),
        tuple(rows),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", choices=["pad", "ham_pad"])
    workspace = Workspace(WORKSPACES / parser.parse_args().experiment)
    attempts = [record.body for record in records_of(AuditLog(workspace.audit_log), UpdateAttempt)]
    lines = (workspace.root / "measured.txt").read_text(encoding="utf-8").splitlines()
    measured = [found for line in lines if (found := MEASURED.fullmatch(line))]
    names = [found["name"] for found in measured]
    gated = attempts[0].policy.gated_classes
    print(updates_table(names, attempts, gated).markdown())
    print(cost_table(names, attempts, measured).markdown())
    for name, attempt in zip(names, attempts, strict=True):
        print(f"**{name}: {attempt.outcome.replace('_', ' ')}** (`{attempt.attempt}`)\n")
        print("".join(f"- {reason}\n" for reason in attempt.reasons))
    promoted = [attempt for attempt in attempts if attempt.outcome == "promote"]
    for attempt in promoted[-1:]:
        models = attempt.evaluation
        print(strategy_table([(role, model.lesions) for role, model in models.items()], "Models").markdown())
        print(class_table(models["candidate"].lesions).markdown())


if __name__ == "__main__":
    main()
