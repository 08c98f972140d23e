# make verify: train at smoke scale, judge, report.  make test: the tests.  Both need python3 >= 3.11 and make alone.
# make test-slurm: the tests on a real SLURM of this machine, brought up and down; as root, on Debian 12.
PYTHON ?= python3
BIN := .venv/bin
SCALE ?= smoke

.PHONY: verify test test-slurm lint bench readme schema lock clean

# Exit 1 says that some claim does not hold at this scale: a finding for the report, not a failure of the harness.
verify: .venv/installed
	$(BIN)/repro verify --scale $(SCALE) || [ $$? -eq 1 ]

test: lint
	$(BIN)/python -m pytest -n auto

test-slurm: .venv/installed
	ONLY="$(ONLY)" slurm/testbed/test $(abspath $(BIN))/python -m pytest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed
	$(BIN)/python -m tests.bench

readme: .venv/installed
	$(BIN)/python -m tests.readme

# After an edit of what verdicts.json holds; raise SCHEMA_VERSION as well where a field changes its meaning.
schema: .venv/installed
	$(BIN)/python -m repro.judging.schema

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "python3 >= 3.11 is needed; name one with PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Needs uv. Raise a version by editing pyproject.toml, or with: make lock UPGRADE=--upgrade-package=NAME
lock:
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url --no-annotate \
	  --group dev pyproject.toml -o requirements.lock $(UPGRADE)

clean:
	rm -rf .venv results report
