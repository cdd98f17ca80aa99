# Flawgate. `make help` lists the targets; each sets up what it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# uv from the system, or else from a folder of this clone.
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
BIN := .venv/bin
TRITON_PYTHON := services/triton/.venv/bin/python
MEMBERS := services/contracts services/imaging services/inference services/preprocessing services/decision services/gateway services/plans services/camera services/client services/cli training
SOURCES := $(foreach member,$(MEMBERS),$(wildcard $(member)/flawgate_*)) services/triton/flawgate_triton
# KolektorSDD, where it lies: `make demo DATA=...`
DATA ?= $(wildcard ../shared/data/KolektorSDD)
# Processes that run the tests beside each other; 0: none but pytest itself.
WORKERS ?= 2

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

.tools/uv/bin/uv:
	@scripts/bootstrap_uv.sh

.PHONY: uv
uv: $(if $(filter .tools/%,$(UV)),$(UV))

# The environments are made again only when a lock or a package's metadata has changed.
.venv/serving.stamp: uv.lock pyproject.toml $(MEMBERS:=/pyproject.toml) | uv
	$(UV) sync --quiet --frozen --inexact
	@touch $@

.venv/training.stamp: uv.lock pyproject.toml $(MEMBERS:=/pyproject.toml) | uv
	$(UV) sync --quiet --frozen --inexact --group training
	@touch $@ .venv/serving.stamp

.venv/dev.stamp: uv.lock pyproject.toml $(MEMBERS:=/pyproject.toml) | uv
	$(UV) sync --quiet --frozen --all-groups
	@touch $@ .venv/serving.stamp .venv/training.stamp

services/triton/.venv/stamp: services/triton/uv.lock services/triton/pyproject.toml | uv
	$(UV) sync --quiet --frozen --project services/triton
	@touch $@

.PHONY: setup
setup: .venv/serving.stamp services/triton/.venv/stamp ## Install what serving needs: the services and Triton

.PHONY: setup-training
setup-training: setup .venv/training.stamp ## Install what training needs as well: torch, about 5 GB

.PHONY: demo
demo: setup ## Start the cluster, inspect real frames, show the results (DATA=folder of KolektorSDD)
	$(BIN)/flawgate demo $(if $(DATA),--data $(DATA))

.PHONY: up
up: setup ## Start the cluster on this machine in the background; http://127.0.0.1:8080/docs
	$(BIN)/flawgate up --detach

.PHONY: down
down: setup ## Stop the cluster that `make up` started
	$(BIN)/flawgate down

.PHONY: test
test: .venv/dev.stamp services/triton/.venv/stamp ## Run all tests, with a real Triton, in two processes beside each other (WORKERS=...)
	$(BIN)/pytest --numprocesses=$(WORKERS) --dist=loadfile --max-worker-restart=0

.PHONY: check
check: .venv/dev.stamp services/triton/.venv/stamp ## What CI holds: lint, format, types, layers, generated code, locks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(SOURCES) tests benchmarks
	$(BIN)/lint-imports
	scripts/check_stubs.sh
	$(UV) lock --check --quiet
	$(UV) lock --check --quiet --project services/triton

.PHONY: proto
proto: .venv/dev.stamp ## Generate the Python stubs from proto/
	scripts/generate_stubs.sh services/contracts

.PHONY: format
format: .venv/dev.stamp ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: bench
bench: setup ## Measure the cluster against plain ONNX Runtime in one process; writes out/bench/cluster.json
	$(BIN)/python benchmarks/cluster.py $(if $(DATA),--data $(DATA))

.PHONY: bench-train
bench-train: .venv/training.stamp ## Measure training steps of every network, and the loop; writes out/bench/training.json
	$(BIN)/python benchmarks/training.py

.PHONY: bench-models
bench-models: .venv/dev.stamp ## Measure every exported network in ONNX Runtime, OpenVINO and torch; writes out/bench/models.json
	$(BIN)/python benchmarks/models.py

.PHONY: bench-gateway
bench-gateway: setup ## Measure what records, archive and outbox cost, and the gateway beside a bare upload endpoint
	$(BIN)/python benchmarks/gateway.py $(if $(DATA),--data $(DATA))

.PHONY: bench-records
bench-records: .venv/dev.stamp ## Measure an MES's queries of a million records, with their plans; writes out/bench/records.json
	PYTHONPATH=tests $(BIN)/python benchmarks/records.py

.PHONY: bench-stream
bench-stream: setup ## Measure streams beside REST and the unary call, and how many cameras one gateway carries
	$(BIN)/python benchmarks/stream.py $(if $(DATA),--data $(DATA))

.PHONY: soak
soak: setup ## Run eight simulated cameras for ten minutes, with faults; writes out/bench/soak.json
	$(BIN)/python benchmarks/soak.py

.PHONY: export-all
export-all: .venv/training.stamp services/triton/.venv/stamp ## Export every architecture, untrained, and have the real Triton answer it
	$(BIN)/python benchmarks/export_all.py

# The frames of this study lie elsewhere than those of the others.
reproduce-dagm: DATA = $(wildcard ../shared/data/DAGM2007)

.PHONY: reproduce-served
reproduce-served: setup .venv/training.stamp ## Send the held-out frames of the study ksdd through the cluster, compare with their evaluation
	$(BIN)/python benchmarks/served.py $(if $(DATA),--data $(DATA))

.PHONY: always
always:

reproduce-%: .venv/training.stamp always ## Carry out a study of docs/results.md, e.g. reproduce-ksdd (DATA=folder of its data set)
	$(BIN)/flawgate reproduce $* $(if $(DATA),--data $(DATA))

.PHONY: clean
clean: ## Remove environments, caches and output; models and locks stay
	rm -rf .venv .tools out services/triton/.venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
