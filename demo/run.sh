#!/usr/bin/env bash
# The whole story on simulated patients, in a workspace of its own (demo/workspace) that is made anew each time:
# your own data, registry and audit log are not touched. `make demo` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."
source_repository=$PWD
workspace=$source_repository/demo/workspace

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() { printf '   $ %s\n' "$*"; "$@"; }

step "The committed dataset (simulated patients), from the remote inside the repository"
run dvc pull --quiet

step "A workspace of its own: demo/workspace"
rm -rf "$workspace" demo/.keys
git clone --quiet "$source_repository" "$workspace"
cd "$workspace"
git config user.name "dermai demo"
git config user.email "demo@localhost"
export DERMAI_PSEUDONYM_KEY_FILE=$workspace/../.keys/pseudonym.key DERMAI_AUDIT_KEY_FILE=$workspace/../.keys/audit.key
# The splits follow from the pseudonyms: the same ones everywhere. Patients that nobody ever was need no secret.
(umask 077 && mkdir -p "$workspace/../.keys" && echo "simulated patients, so that the key is no secret" > "$DERMAI_PSEUDONYM_KEY_FILE")
run dvc pull --quiet

step "A service that is new: few of its patients are test patients yet"
run python demo/few_test_patients.py 60
run dvc add --quiet data
run git commit --quiet -m "The first patients" data.dvc

step "What can be shown with so few test patients, and with all confirmed lesions"
run dermai gate plan --profile demo --per-month MM=2 --per-month BCC=3 --per-month benign=40

step "A first model, from ImageNet weights: all confirmed lesions show its floors, each answered by a sister that never saw it"
run zenml pipeline run incremental_finetune -c profiles/demo.yaml
run dermai status --profile demo

# A referral is evidence when its follow-up of 180 days is over. These patients do not exist, so that the days which
# are given for them count: their referrals are dated as if they had come in that long ago.
last_year=$(python -c "import datetime; print(datetime.date.today() - datetime.timedelta(days=190))")
step "Five weeks of production: nothing new, a new phone, a new site, a new diagnosis, more melanoma"
run dermai simulate-production demo/production --size 128 --until "$last_year" --profile demo --set triage.heat_maps=false

step "The diagnoses came back week by week; those of the last one: what do they show of the model?"
run dermai confirm demo/production/week-5/diagnoses.csv --profile demo

run dermai status --profile demo

step "New confirmed cases arrive: checked, pseudonymised, split by patient, versioned"
run dermai simulate demo/arrival --arrival 2 --scale 0.15 --size 128 --prevalence MM=6 --prevalence BCC=6
run dermai ingest demo/arrival --profile demo
run dvc add --quiet data
run git commit --quiet -m "Confirmed cases of the second arrival" data.dvc

step "The update: learn them from the champion on, and decide"
run zenml pipeline run incremental_finetune -c profiles/demo.yaml

step "An export gone wrong: four in five melanomas and carcinomas come as naevi; nothing that learnt them may be promoted"
run python demo/mislabel.py MM BCC --right-one-in 5
run dvc add --quiet data
run git commit --quiet -m "An export gone wrong" data.dvc
run zenml pipeline run incremental_finetune -c profiles/demo.yaml

step "This morning: the quality of referrals checked, then scored, sorted by risk"
# As shipped 2 in 100 of the cases sorted as normal are drawn to be read all the same; so few cases need more
run dermai simulate referrals --arrival 3 --scale 0.02 --size 128
sed "s/^  overrides:/&\n    triage: {second_reading: 0.25}/" profiles/demo.yaml > demo/second_reading.yaml
run zenml pipeline run triage_cases -c demo/second_reading.yaml
rm demo/second_reading.yaml
printf '   drawn to be read without the answer of the model: %s\n' "$(grep -c ',yes$' reports/triage_cases/latest/worklist.csv || true)"

step "A melanoma comes back that was sorted as normal: an incident, with the open cases that look like it"
if run python demo/miss_a_melanoma.py reports/triage_cases/latest/worklist.csv demo/missed.csv; then
  run dermai confirm demo/missed.csv --profile demo
  incident=$(basename "$(ls -d reports/incidents/*/)")
  run dermai acknowledge "$incident" \
    --approver "A. Demo" --role "head of dermatology" --reason "the patient was called, the similar cases are read today"
  rm demo/missed.csv
fi

step "Is the model still right for the patients we see?"
run zenml pipeline run monitor_drift -c profiles/demo.yaml

step "Where to look"
run dermai status --profile demo
printf '\n   report          %s\n' "$workspace/reports/incremental_finetune/latest/report.html"
printf '   worklist        %s\n' "$workspace/reports/triage_cases/latest/worklist.html"
printf '   incidents       %s\n' "$workspace/reports/incidents/"
printf '   dashboard       cd demo/workspace && dermai serve       (then open http://127.0.0.1:8600)\n'
printf '   data checks     %s\n' "$workspace/reports/validation/index.html"
printf '   audit log       cd demo/workspace && dermai audit show\n'
printf '   undo it         cd demo/workspace && dermai rollback --approver you --role engineer --reason "a try"\n'
printf '   your own data   zenml pipeline run incremental_finetune   (here, in the repository root)\n'
