# Thin on purpose: every target is a line or two that you could type. `make help` lists them.

VENV := .venv
RUN := $(VENV)/bin/
DEMO_ARGS ?=

# The first Python 3.11 or newer that is found; PYTHON=/path/to/python chooses another.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && { echo $$p; break; }; done)

.PHONY: help demo test coverage soak lint unit lock bench mutation clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime  ## the main job against an embedded org: no Salesforce needed, under a minute
	@$(RUN)python -m connector localorg demo $(DEMO_ARGS)

test: $(VENV)/.dev lint  ## everything that CI checks: lint, types, contracts, all tests
	$(RUN)pytest -n 2 --dist worksteal

coverage: $(VENV)/.dev  ## all tests, and which lines and branches they never reached (three times slower)
	$(RUN)pytest -n 2 --dist worksteal --cov --cov-report=term

soak: $(VENV)/.dev  ## twin orgs: forty days of life after a kill at every single request
	TWIN_DAYS=40 TWIN_DAYS_EACH=40 $(RUN)pytest -n 2 --dist worksteal tests/system/test_twin_orgs.py

lint: $(VENV)/.dev  ## ruff, mypy strict and the import contracts
	$(RUN)ruff check
	$(RUN)ruff format --check
	$(RUN)mypy
	$(RUN)lint-imports

unit: $(VENV)/.dev  ## only the unit tests, without coverage
	$(RUN)pytest -n 2 --dist worksteal tests/unit

bench: $(VENV)/.dev  ## speed, as ratios measured side by side in one run
	for bench in tests/bench/bench_*.py; do $(RUN)python $$bench || exit 1; done

mutation: $(VENV)/.dev  ## do the tests notice when a decision, a comparison, a limit or a write is changed?
	rm -rf mutants
	$(RUN)mutmut run
	$(RUN)mutmut results

LOCK := --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --constraint constraints.txt --upgrade pyproject.toml

lock: $(VENV)/.dev  ## resolve the dependencies anew into the two lock files
	$(RUN)python -m pip install --quiet uv
	$(RUN)uv pip compile $(LOCK) --output-file requirements.lock
	$(RUN)uv pip compile $(LOCK) --extra dev --output-file requirements-dev.lock

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) build dist *.egg-info mutants .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
		.hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found. Install one, or say PYTHON=/path/to/python."; exit 2; }
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' || { echo "$(PYTHON) is older than Python 3.11. Say PYTHON=/path/to/a/newer/python."; exit 2; }
	"$(PYTHON)" -m venv $(VENV)

PIP_INSTALL = $(RUN)python -m pip install --quiet --disable-pip-version-check

$(VENV)/.runtime: requirements.lock | $(VENV)/bin/python
	$(PIP_INSTALL) --require-hashes --requirement requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(PIP_INSTALL) --require-hashes --requirement requirements-dev.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.runtime
