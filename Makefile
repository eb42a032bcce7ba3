# `make help` lists the targets. Each sets up what it needs first: only Python 3.11+, make and git must be there.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# A second environment, of the oldest allowed dependencies.
OLDEST := .venv-oldest
FAST ?= --ignore tests/integration -m "not long and not slow"
# Processes that run the tests side by side; each takes about 3 GB.
WORKERS ?= 2

# `make test HYPOTHESIS_PROFILE="new examples"` draws other examples for the property tests than the last run did.
HYPOTHESIS_PROFILE ?= same examples
export HYPOTHESIS_PROFILE

# Where this is set, each of a hundred processes compiles every module of every library anew.
unexport PYTHONDONTWRITEBYTECODE

export ZENML_ANALYTICS_OPT_IN ?= false
export MLFLOW_DISABLE_TELEMETRY ?= true
export DO_NOT_TRACK ?= 1
export GX_ANALYTICS_ENABLED ?= false
export DVC_NO_ANALYTICS ?= true
export ORT_DISABLE_TELEMETRY ?= 1
export HF_HUB_DISABLE_TELEMETRY ?= 1

.PHONY: help setup demo quick test test-long lint image image-test format secrets messages dashboard lock licences docs coverage oldest clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## Create .venv from the lock, turn telemetry off

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "dermai needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "uv==0.13.9"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/zenml analytics opt-out > /dev/null
	@touch $@

demo: $(READY)  ## The whole story in a few minutes on simulated patients
	PATH="$(CURDIR)/$(BIN):$$PATH" bash demo/run.sh

# `make test TESTS=tests/promotion` runs a part, `make test TESTS="tests/gate -k ledger"` less.
TESTS ?=
# A thread a worker: two that wait for each other's threads on two cores take twice the time.
PYTEST := PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 $(BIN)/python -m pytest
TOGETHER := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

quick: $(READY)  ## The tests that need no torch, server or browser: under a minute
	$(PYTEST) --quick -m "not long and not slow" $(TOGETHER) $(TESTS)

test: $(READY)  ## All tests but the longest; a part of them with TESTS=tests/promotion
	@bash tests/browser.sh
	@bash tests/services.sh
	$(PYTEST) -m "not long" $(TOGETHER) $(TESTS)

test-long: HYPOTHESIS_PROFILE = new examples
test-long: $(READY)  ## The tests that take minutes each and guard side roads
	@bash tests/browser.sh
	$(PYTEST) -m long $(TOGETHER) $(TESTS)

image:  ## Build both images with docker, or with buildah; BASE=... is another base image, BASE=debootstrap makes one
	bash deploy/images/build.sh

image-test: $(READY)  ## Run a whole update and all services of compose.yaml within the built images (as root)
	@bash tests/services.sh
	unshare --net bash -c 'ip link set lo up && DERMAI_TEST_IMAGES=yes $(PYTEST) tests/integration/test_images.py'

lint: $(READY)  ## ruff (lint and format), mypy, who may import whom, and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

format: $(READY)  ## Let ruff fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

secrets: $(READY)  ## Look for secrets in the repository, logs, reports and records
	$(BIN)/python -m dermai.doctor.secrets

messages: $(READY)  ## Collect what pages say into the catalogues of translations, and name what lacks one
	$(BIN)/python -W ignore -m dermai.ci.collected_messages

dashboard: $(READY)  ## Serve the pages that the team works in on this machine, with a first account
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dermai serve

lock: $(READY)  ## Resolve the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-annotate --no-header -o requirements.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --resolution lowest-direct --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
	  --all-extras --generate-hashes --no-annotate --no-header -o requirements-oldest.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  -o deploy/zenml-server/requirements.txt deploy/zenml-server/requirements.in

coverage: $(READY)  ## The fast tests, and which lines they reach
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest $(FAST) --cov --cov-report=term --cov-report=xml

oldest: $(OLDEST)/.ready  ## The fast tests with the oldest dependencies that pyproject.toml allows, in .venv-oldest
	PATH="$(CURDIR)/$(OLDEST)/bin:$$PATH" $(OLDEST)/bin/python -m pytest $(FAST)

$(OLDEST)/.ready: requirements-oldest.txt pyproject.toml
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet "uv==0.13.9"
	$(OLDEST)/bin/uv pip install --quiet --python $(OLDEST)/bin/python --require-hashes -r requirements-oldest.txt
	$(OLDEST)/bin/uv pip install --quiet --python $(OLDEST)/bin/python --no-deps --no-build-isolation --editable .
	$(OLDEST)/bin/zenml analytics opt-out > /dev/null
	@touch $@

docs: $(READY)  ## The documentation as a site: docs/_build/html/index.html
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -b html docs docs/_build/html

licences: $(READY)  ## List the licences of the locked dependencies in docs/licences.md
	$(BIN)/python docs/licences.py

clean:  ## Remove what runs leave behind (not data, not the audit log)
	rm -rf reports state/cache docs/_build docs/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis quarantine
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
