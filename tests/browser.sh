#!/usr/bin/env bash
# The pages are tested in a real browser: install Chromium where it is missing and can be installed.
set -euo pipefail
command -v chromium >/dev/null && command -v chromedriver >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver >/dev/null
else
  echo "Chromium and chromedriver are missing: the page tests will be skipped (Debian: apt install chromium chromium-driver)"
fi
