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
# What images are tagged with.
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
# Processes that run the tests beside each other; 0: none but pytest itself.
WORKERS ?= 3
# Longest time that `make audit` may take, in seconds.
AUDIT_S ?= 15

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
test: .venv/dev.stamp services/triton/.venv/stamp ## Run all tests, with a real Triton, in three processes beside each other (WORKERS=...)
	$(BIN)/pytest --numprocesses=$(WORKERS) --dist=loadfile --max-worker-restart=0

.PHONY: check
check: .venv/dev.stamp services/triton/.venv/stamp audit ## What CI holds: lint, format, types, layers, generated code, locks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(SOURCES) tests benchmarks monitoring/grafana/boards monitoring/grafana/preview k8s scripts/audit.py
	$(BIN)/lint-imports
	scripts/check_stubs.sh
	$(UV) lock --check --quiet
	$(UV) lock --check --quiet --project services/triton

.PHONY: audit
audit: .venv/dev.stamp ## Look for known vulnerabilities of what the locks name, for 15 seconds at most (AUDIT_S=...)
	$(BIN)/python scripts/audit.py --limit $(AUDIT_S)

.PHONY: proto
proto: .venv/dev.stamp ## Generate the Python stubs from proto/
	scripts/generate_stubs.sh services/contracts

.PHONY: dashboards
dashboards: .venv/serving.stamp ## Write Grafana’s dashboards, and the rules and dashboards for Kubernetes
	$(BIN)/python -m monitoring.grafana.boards
	$(BIN)/python -m k8s.components.monitoring.generating

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

.PHONY: bench-observability
bench-observability: setup ## Measure what metrics, logs and traces cost of the throughput of commutator
	$(BIN)/python benchmarks/observability.py $(if $(DATA),--data $(DATA))

.PHONY: scaling
scaling: .venv/dev.stamp ## Print the tables of docs/scaling.md (WRITE=1: take over out/bench/scaling.json, write page and figure)
	PYTHONPATH=benchmarks $(BIN)/python -m scaling $(if $(WRITE),--write)

.PHONY: bench-scaling
bench-scaling: .venv/dev.stamp services/triton/.venv/stamp ## Measure the cluster under load beside its simulation, and what a frame costs; six minutes
	PYTHONPATH=benchmarks:tests $(BIN)/python -m scaling.measured $(if $(DATA),--data $(DATA))

.PHONY: hosts
hosts: .venv/dev.stamp ## Try faults of several hosts, as network namespaces of this machine (root); prints what each costs; five minutes
	FLAWGATE_HOSTS=1 $(BIN)/pytest -s tests/hosts

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

.PHONY: images
images: ## Build the images of all services with Docker, or of some (SERVICES="gateway decision"), and check their sizes
	scripts/build_images.sh $(SERVICES)
	python3 scripts/check_image_sizes.py

.PHONY: sbom
sbom: | uv ## Write what each image holds, as CycloneDX, to out/sbom (SERVICES=...)
	@for service in $(or $(SERVICES),preprocessing decision gateway camera triton training); do \
		scripts/sbom.sh flawgate/$$service:$(VERSION) || exit 1; \
	done

.PHONY: compose
compose: ## Run a line with Docker Compose, build and make what is missing; http://127.0.0.1:8080/docs (docs/compose.md)
	scripts/compose_up.sh

.PHONY: compose-down
compose-down: ## Stop what `make compose` started; records, pictures and metrics stay
	docker compose --profile '*' down

.PHONY: bundle
bundle: | uv ## Put images, models and configuration for a machine without a network into dist/ (COMPOSE_PROFILES=cpu)
	scripts/bundle.sh

.PHONY: load
load: ## Check a bundle and load its images (BUNDLE=folder)
	scripts/load.sh $(or $(BUNDLE),dist/flawgate-$(VERSION)-bundle)

.PHONY: e2e
e2e: .venv/dev.stamp ## Run the containers for real with a Docker of this machine: kills, renewal, backup, bundle; ten minutes
	FLAWGATE_E2E=1 $(BIN)/pytest tests/e2e

.PHONY: always
always:

reproduce-%: .venv/training.stamp always ## Carry out a study of docs/results.md, e.g. reproduce-ksdd (DATA=folder of its data set)
	$(BIN)/flawgate reproduce $* $(if $(DATA),--data $(DATA))

.PHONY: clean
clean: ## Remove environments, caches and output; models and locks stay
	rm -rf .venv .tools out services/triton/.venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
