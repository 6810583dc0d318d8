# Everything is done from here. `make demo` and `make test` are enough to begin; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
VIGIE_SHARED ?= ../shared
PYTEST_ARGS ?=
export VIGIE_SHARED

.PHONY: help install dev system kafka-artefacts demo test test-chaos test-data check fix bench bench-detection bench-simulated bench-storms bench-themes bench-text bench-kafka bench-alerting bench-memory soak kafka kafka-cluster \
	postgres generate lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

# --- what runs need ---------------------------------------------------------------------------------------------------

install: $(VENV)/.installed ## .venv with Vigie in it, from the lock
dev: $(VENV)/.installed-dev ## the same with what its developers need

$(VENV)/bin/python:
	@.ci/make-venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo "Installing Vigie into $(VENV) (once; it takes a minute)"
	@$(PIP) install --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

# The French lexicon (MIT) is read when the text model is trained. Its package asks for fuzzywuzzy (GPL), which nothing
# here uses: it is installed without its dependencies, and never with Vigie.
$(VENV)/.installed-lexicon: $(VENV)/.installed-dev requirements-lexicon.lock
	@$(PIP) install --no-deps --require-hashes -r requirements-lexicon.lock
	@touch $@

system: ## the Debian packages that the tests need (apt-get, as root or through sudo)
	@.ci/system-packages

kafka-artefacts: $(VENV)/.installed-dev | system
	@$(BIN)/python tests/infra/kafka.py install

# --- what one came for ------------------------------------------------------------------------------------------------

demo: install ## a synthetic bad buzz, live in the terminal
	@$(BIN)/vigie demo

test: dev system kafka-artefacts check ## everything that needs no development data; a skipped test fails
	$(BIN)/python -m pytest -m "not data and not chaos" $(PYTEST_ARGS)

test-chaos: dev system kafka-artefacts ## workers killed, frozen, joined; brokers and databases that go: the figures stay equal
	$(BIN)/python -m pytest -m chaos $(PYTEST_ARGS)

bench-alerting: dev ## from an event to its alert and its call, beside a thousand open incidents
	$(BIN)/python -m tests.bench.bench_alerting $(ARGS)

bench-memory: dev ## what a watched brand costs in memory
	$(BIN)/python -m tests.bench.bench_memory $(ARGS)

test-data: dev $(VENV)/.installed-lexicon ## what reads the development data in VIGIE_SHARED (default ../shared)
	@test -d "$(VIGIE_SHARED)/data" || { echo "make test-data: no data in $(VIGIE_SHARED); set VIGIE_SHARED" >&2; exit 1; }
	$(BIN)/python -m pytest -m data $(PYTEST_ARGS)

check: dev ## the gate: lint, format, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: dev ## mend what can be mended by itself: format, imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: dev ## mentions a second, end to end, beside a naive loop
	$(BIN)/python -m tests.bench.bench_replay
	$(BIN)/python -m tests.bench.bench_bank

bench-detection: dev ## storms found at equal false alarms, beside river's detectors and rules of thumb
	@$(BIN)/python -m tests.bench.bench_detection $(ARGS)

bench-simulated: dev ## false alarms on simulated calm, and delays against their limit
	$(BIN)/python -m tests.bench.bench_simulated $(ARGS)

bench-storms: dev ## Vigie's own alarms on storms of several makings
	$(BIN)/python -m tests.bench.bench_storms

bench-themes: dev ## what an explanation by themes costs, and how pure they are on synthetic storms
	$(BIN)/python -m tests.bench.bench_themes

bench-text: dev $(VENV)/.installed-lexicon ## quality and speed of the text models
	$(BIN)/python -m tests.bench.bench_text
	$(BIN)/python -m tests.bench.bench_text_quality
	$(BIN)/python -m tests.bench.bench_learning

bench-kafka: dev kafka-artefacts system ## mentions a second through a real broker, and seconds from a record to its alert
	@$(BIN)/python -m tests.bench.bench_kafka $(ARGS)

soak: dev kafka-artefacts ## twenty minutes at half the rated load: memory and lag, and their plot in docs/images
	@$(BIN)/python -m tests.bench.soak --plot docs/images/soak.svg $(ARGS)

kafka: kafka-artefacts ## a real broker on 127.0.0.1, until Ctrl-C
	$(BIN)/python tests/infra/kafka.py run

kafka-cluster: kafka-artefacts ## three nodes on 127.0.0.1, three copies of every topic, until Ctrl-C
	$(BIN)/python tests/infra/kafka_cluster.py

postgres: dev system ## a throw-away PostgreSQL on 127.0.0.1, until Ctrl-C
	$(BIN)/python tests/infra/postgres.py run

# --- what is committed but made by a program --------------------------------------------------------------------------

generate: dev ## docs pages and the Grafana dashboard, from the code that they describe
	$(BIN)/python -m ops.docs
	$(BIN)/python -m ops.grafana.build
	$(BIN)/python -c 'from detectors.text.guard import make_guards; make_guards()'
	$(BIN)/python -c 'from playbooks.catalogue import compile_catalogue; compile_catalogue()'
	$(BIN)/python -m ops.demo.picture

COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade

lock: $(VENV)/bin/python ## newest versions within pyproject.toml's bounds, with hashes and without addresses
	@$(PIP) install 'uv>=0.9'
	$(COMPILE) --group build --output-file requirements.lock
	$(COMPILE) --group build --extra postgres --constraints requirements.lock --output-file requirements-postgres.lock
	$(COMPILE) --group build --group dev --constraints requirements.lock --output-file requirements-dev.lock

clean: ## back to what is in git, save your own files
	rm -rf $(VENV) .make .cache dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
