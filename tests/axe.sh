#!/usr/bin/env bash
# Put axe-core (from npm) into a folder: `tests/axe.sh FOLDER`. Needs node and npm.
set -euo pipefail
npm install --silent --no-audit --no-fund --no-package-lock --prefix "$1" axe-core@4.10.3
