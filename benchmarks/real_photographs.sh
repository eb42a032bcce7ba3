#!/usr/bin/env bash
# The loop on real photographs: a first model on the first arrival, an update on the second.
#
#   bash benchmarks/real_photographs.sh ../shared/data pad      PAD-UFES-20: 60 % of the patients, then the others
#   bash benchmarks/real_photographs.sh ../shared/data ham_pad  HAM10000 first, PAD-UFES-20 second
#
# Runs in a workspace of its own below benchmarks/workspaces, made anew each time; `python -m
# benchmarks.real_photographs` prints the tables of docs/results.md from what it leaves there.
set -euo pipefail
photographs=$(cd "$1" && pwd)
experiment=$2
cd "$(dirname "$0")/.."
workspace=$PWD/benchmarks/workspaces/$experiment
rm -rf "$workspace"
git clone --quiet . "$workspace"
cd "$workspace"
git config user.name "dermai benchmark"
git config user.email "benchmark@localhost"
export DERMAI_PSEUDONYM_KEY_FILE=$workspace.keys/pseudonym.key DERMAI_AUDIT_KEY_FILE=$workspace.keys/audit.key
git rm --quiet data.dvc # the simulated patients stay out of it

# With 7 melanomas among the test patients no exact bound reaches the default floors: the default policy would ask
# for further cases (benchmarks/results says how many) and nothing would ever be updated. This experiment compares
# point estimates instead, which is what other projects do, and every report of it says so.
sed -i 's/^  mode: statistical .*/  mode: point/; s/^  floors: .*/  floors: {MM: 0.30, BCC: 0.50}/' params.yaml
sed -i 's/^  image_size: 300/  image_size: 224/' params.yaml

arrive() {
  /usr/bin/time -f 'import: %e s, %M kB' dermai import "$@"
  dvc add --quiet data
  git add -A
  git commit --quiet -m "$*"
  /usr/bin/time -f 'run: %e s, %M kB' zenml pipeline run incremental_finetune
  dermai status
}

case $experiment in
  pad)
    arrive pad_ufes_20 "$photographs/pad_ufes_20" --share 0:0.6
    arrive pad_ufes_20 "$photographs/pad_ufes_20" --share 0.6:1
    ;;
  ham_pad)
    arrive ham10000 "$photographs/ham10000"
    arrive pad_ufes_20 "$photographs/pad_ufes_20"
    ;;
  *)
    echo "unknown experiment $experiment: pad or ham_pad" >&2
    exit 2
    ;;
esac
