# make verify: train at smoke scale, judge, report.  make test: the tests.  Both need python3 >= 3.11 and make alone.
# make test-slurm: the tests on a real SLURM of this machine, brought up and down; as root, on Debian 12.
# make evidence: verdicts and reports of the runs that claims/evidence/ holds, trained on CIFAR-10; needs no torch.
PYTHON ?= python3
BIN := .venv/bin
SCALE ?= smoke

EVIDENCE := claims/evidence

.PHONY: verify test test-slurm evidence lint bench readme schema lock clean

# Exit 1 says that some claim does not hold at this scale: a finding for the report, not a failure of the harness.
verify: .venv/installed
	$(BIN)/repro verify --scale $(SCALE) || [ $$? -eq 1 ]

test: lint
	$(BIN)/python -m pytest -n auto

test-slurm: .venv/installed
	ONLY="$(ONLY)" slurm/testbed/test $(abspath $(BIN))/python -m pytest

# Exit 3 says that some claim waits for runs.
evidence: .venv/installed
	rm -rf results/evidence
	$(BIN)/repro import $(EVIDENCE) --results results/evidence
	for scale in pilot paper; do \
	  at="--scale $$scale --data cifar10-jpeg --results results/evidence --report $(EVIDENCE)/$$scale"; \
	  $(BIN)/repro judge $$at || [ $$? -ne 2 ] || exit 2; \
	  $(BIN)/repro report --report $(EVIDENCE)/$$scale || exit 2; \
	  $(BIN)/repro judge --verify $$at || [ $$? -ne 2 ] || exit 2; \
	done

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
