#!/usr/bin/env bash
# The paper's experiment on real photographs: PAD-UFES-20 in the place of Derm.AI, HAM10000 in that of EDRA and Dermofit.
#
#   bash benchmarks/learning/compare_strategies.sh ../shared/data chains         tf_efficientnet_lite0, all strategies, 3 seeds
#   bash benchmarks/learning/compare_strategies.sh ../shared/data architectures  the paper's three networks, 3 seeds
#
# At the paper's 300 px: minutes on a GPU, a night on two cores (SIZE=128 takes less). Cells that `dermai compare` has
# run side by side are found.
#
# Runs in a workspace of its own below benchmarks/workspaces; run again, it goes on with the cells that are missing.
# Leaves benchmarks/results/compare_<experiment>.md and the page in the workspace's reports/compare_strategies/latest.
# The three networks start from ImageNet weights where WEIGHTS names a folder that holds them, else from random ones,
# which the tables then say.
set -euo pipefail
photographs=$(cd "$1" && pwd)
experiment=$2
cd "$(dirname "$0")/../.."
repository=$PWD
workspace=$PWD/benchmarks/workspaces/compare
export DERMAI_PSEUDONYM_KEY_FILE=$workspace.keys/pseudonym.key DERMAI_AUDIT_KEY_FILE=$workspace.keys/audit.key

if [ ! -d "$workspace/data" ]; then
  rm -rf "$workspace" "$workspace.keys"
  # The splits follow from the pseudonyms: the same ones everywhere. Public photographs need no secret.
  mkdir -p "$workspace.keys"
  (umask 077 && echo "these photographs are public, so that the key is no secret" > "$DERMAI_PSEUDONYM_KEY_FILE")
  git clone --quiet . "$workspace"
  cd "$workspace"
  git rm --quiet --cached data.dvc && rm data.dvc # the simulated patients stay out of it
  dermai import pad_ufes_20 "$photographs/pad_ufes_20"
  dermai import ham10000 "$photographs/ham10000" --share 0:0.35 # about as many photographs as there are of PAD-UFES-20
else
  git -C "$workspace" fetch --quiet # the pipeline runs the code of its own folder
  git -C "$workspace" reset --quiet --hard FETCH_HEAD
  rm "$workspace/data.dvc"
fi
cd "$workspace"

case $experiment in
  chains)
    architectures='[]' main=tf_efficientnet_lite0
    strategies='{
      o: {title: Training from scratch, start: none},
      x: {title: "Pre-train. ImageNet, merged with HAM10000", chain: [target+others]},
      a: {title: Pre-train. ImageNet},
      d: {title: Pre-train. ImageNet and HAM10000, chain: [ham10000, target]},
      auto: {title: "ImageNet, merged or chained by appearance", automatic: true}}'
    ;;
  architectures)
    architectures='[mobilenetv2_100, resnet50, efficientnet_b3]' main=mobilenetv2_100
    strategies='{a: {title: Pre-train. ImageNet}}'
    ;;
  *)
    echo "unknown experiment $experiment: chains or architectures" >&2
    exit 2
    ;;
esac
cat > "$workspace.$experiment.yaml" <<YAML
parameters:
  overrides:
    model.image_size: ${SIZE:-300}
    model.weights_folder: "${WEIGHTS:-}"
    training.first_epochs: 30
    training.patience: 10
    training.head_learning_rate: 0.001
    training.backbone_learning_rate: 0.0001
    compare.target: pad_ufes_20
    compare.architecture: $main
    compare.architectures: $architectures
    compare.seeds: [1, 2, 3]
    compare.strategies: $strategies
YAML
zenml pipeline run compare_strategies -c "$workspace.$experiment.yaml"
cp reports/compare_strategies/latest/tables.md "$repository/benchmarks/results/compare_$experiment.md"
