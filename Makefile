# make verify: train at smoke scale, judge, report.  make test: the tests.  Both need python3 >= 3.11 and make alone.
# make test-slurm: the tests on a real SLURM of this machine, brought up and down; as root, on Debian 12.
# make evidence: verdicts and reports of the runs that claims/evidence/ holds, trained on CIFAR-10; needs no torch.
# make compared: whether the code that these runs were trained under judges them alike; needs git's whole history.
PYTHON ?= python3
BIN := .venv/bin
SCALE ?= smoke
DATA ?= data

EVIDENCE := claims/evidence

.PHONY: verify test test-slurm evidence compared lint bench gpu readme schema lock clean

# Exit 1 says that some claim does not hold at this scale: a finding for the report, not a failure of the harness.
verify: .venv/installed
	$(BIN)/repro verify --scale $(SCALE) || [ $$? -eq 1 ]

test: lint
	$(BIN)/python -m pytest -n auto

test-slurm: .venv/installed
	ONLY="$(ONLY)" slurm/testbed/test $(abspath $(BIN))/python -m pytest

# Verdicts of some claims and their report, then both again. Exit 1 and 3 are findings: not reproduced, waiting for runs.
judged = $(BIN)/repro judge $(1) --results results/evidence --report $(2) || [ $$? -ne 2 ] && \
  $(BIN)/repro report --report $(2) && \
  { $(BIN)/repro judge --verify $(1) --results results/evidence --report $(2) || [ $$? -ne 2 ]; }

first := claims/frankle2021 claims/thebatch2020 --data cifar10-jpeg
store := $(BIN)/repro import $(EVIDENCE) --results results/evidence

# Each report needs one core, and no other report; the longest first.
reports := evidence-greydanus2024 evidence-pilot evidence-paper evidence-hastie2009
.PHONY: $(reports)

evidence: .venv/installed
	rm -rf results/evidence
	$(store)
	$(MAKE) --no-print-directory --jobs=$$(nproc) --output-sync $(reports)

evidence-pilot:
	$(call judged,$(first) --scale pilot,$(EVIDENCE)/pilot)
evidence-paper:
	$(call judged,$(first) --scale paper,$(EVIDENCE)/paper)
evidence-greydanus2024:
	$(call judged,claims/greydanus2024 --scale paper,$(EVIDENCE)/greydanus2024/paper)
evidence-hastie2009:
	$(call judged,claims/hastie2009 --scale paper,$(EVIDENCE)/hastie2009/paper)

# The commits are those that claims/evidence/README.md pins. Exit 3: nothing was judged by both.
by = $(BIN)/repro judge $(1) --results results/evidence --by $(2) || [ $$? -eq 3 ]

compared: .venv/installed
	$(store)
	$(call by,claims/controls $(first) --scale pilot,9d66869)
	$(call by,claims/controls $(first) --scale paper,9d66869)
	$(call by,claims/greydanus2024 --scale paper,c747ca7)
	$(call by,claims/greydanus2024 --scale paper,f4379f9)
	$(call by,claims/hastie2009 --scale paper,a361564)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed
	$(BIN)/python -m tests.beside --data-dir $(DATA)
	$(BIN)/python -m tests.bench $(DATA)

# The first minutes on a GPU: what claims/SCALES.md says nobody has run. OUT gets a log and what was trained.
gpu: .venv/installed
	$(BIN)/python -m tests.gpu $(or $(OUT),gpu) --data-dir $(DATA)

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
