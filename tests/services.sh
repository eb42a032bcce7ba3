#!/usr/bin/env bash
# The integration test of a deployment runs real servers on loopback: PostgreSQL and a ZenML server of its own
# environment. Install what is missing and can be installed; without them the test is skipped, and says so.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    mkdir -p /etc/postgresql-common  # the server's programs only: no database of its own is made or started
    [ -e /etc/postgresql-common/createcluster.conf ] ||
      echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Options::=--force-confold postgresql >/dev/null
  else
    echo "PostgreSQL is missing: the test of a deployment will be skipped (Debian: apt install postgresql)"
  fi
fi

environment=.venv-zenml-server
if [ deploy/zenml-server/requirements.txt -nt "$environment/.ready" ]; then
  rm -rf "$environment"
  .venv/bin/python -m venv --without-pip "$environment"
  .venv/bin/uv pip install --quiet --python "$environment/bin/python" --require-hashes \
    -r deploy/zenml-server/requirements.txt
  touch "$environment/.ready"
fi
