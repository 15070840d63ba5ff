# Frugal: `make help` explains every target.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
export FRUGAL_HOME ?= $(CURDIR)/.frugal
ENVS := $(FRUGAL_HOME)/envs
AIRFLOW := $(ENVS)/airflow/bin

# Compiled bytecode is kept: every Airflow process starts several times faster.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPATH := $(CURDIR)/plugins:$(CURDIR)

# `make demo MODEL=rents RAW=folder` runs another model of include/models on the CSV files in a folder.
DEMO := -m demo $(if $(MODEL),--model $(MODEL)) $(if $(RAW),--raw $(RAW))

# PyTorch's environment is large: only a network's demo builds it.
TORCH := $(if $(shell grep -ls 'framework: pytorch' include/models/$(MODEL)/model.yaml),images/pytorch-2.13)

BUILD := @$(PYTHON) requirements/environments.py build

##@ Use

help: ## Show what each target does
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: run-envs ## Train, compile and deploy the example model on a local AWS, through a real Airflow, and show what it cost
	@$(AIRFLOW)/python $(DEMO)

ui: run-envs ## The same, left running: Airflow's UI on loopback until Ctrl-C
	@$(AIRFLOW)/python $(DEMO) --keep

local: run-envs ## Start the local AWS in the background (`make local-stop` stops it)
	@bin/frugal local start

local-stop: ## Stop the local AWS
	@[ ! -x $(AIRFLOW)/python ] || bin/frugal local stop

##@ Develop

envs: ## Build every locked environment under .frugal/envs (done by the other targets as needed)
	$(BUILD)

test: envs ## Run every test, each in the environment that its code runs in
	@$(PYTHON) tests/run.py

drift: envs ## Prove the drift loop on a real Airflow: a quiet week, then drift that retrains by itself, and every part killed
	@$(AIRFLOW)/python -m pytest -q tests/e2e/drift

faults: envs ## Run every kind of job under every fault, Frugal's and the provider's operators, into docs/benchmarks/faults.md
	@$(AIRFLOW)/python -m tests.faults

forms: envs ## Run every form of serving through the training DAG of a real Airflow: updates, trials, rollback, changes of form, removal
	@$(AIRFLOW)/python -m tests.forms

lint: style types ## Check style, and types in the environment that the code runs in (`make -k lint` shows all at once)

style: lint-envs
	$(AIRFLOW)/ruff check
	$(AIRFLOW)/ruff format --check

types: types-airflow types-local-aws types-container types-toolkit types-models

types-airflow: lint-envs
	$(AIRFLOW)/mypy

types-local-aws: lint-envs
	$(AIRFLOW)/mypy $(call IN,local-aws) include/local_aws $(wildcard tests/unit/local_aws/test_*.py)

types-container: lint-envs
	$(AIRFLOW)/mypy $(IN_IMAGE) $(shell find include/container tests/unit/container tests/unit/model tests/unit/network -name '*.py')

types-toolkit: lint-envs
	$(AIRFLOW)/mypy $(IN_IMAGE) $(shell find include/local_aws/toolkit -name '*.py')

types-models: lint-envs # every model's train.py is a module of that name: one at a time
	@for model in include/models/*/; do $(AIRFLOW)/mypy $(IN_IMAGE) $$model*.py; done

IN = --python-executable $(ENVS)/tests/$(1)/bin/python
IN_IMAGE = $(call IN,xgboost-3.0-5) --python-version 3.10

lint-envs:
	$(BUILD) airflow tests

format: ## Apply the formatter and the fixes that are safe
	$(BUILD) airflow
	$(AIRFLOW)/ruff check --fix
	$(AIRFLOW)/ruff format

bench: envs ## Measure preprocessing, checkpoints, parsing, serving, drift and cleaning up, with their rivals
	@$(AIRFLOW)/python -m bench

compose: ## Prove docker-compose.yaml: build it, run the example's DAG on it, take it down (needs a Docker engine)
	$(BUILD) airflow
	@docker/prove

##@ Maintain

images: ## Resolve AWS's container image URIs with the SageMaker SDK's own registry into include/images.yaml
	$(BUILD) sdk
	@$(ENVS)/sdk/bin/python include/images_refresh.py

lock: ## Resolve the requirements again and write the hashed locks
	@$(PYTHON) requirements/environments.py lock

secrets: ## Generate .env with docker-compose's secrets (an existing one is kept)
	@docker/secrets

clean: ## Stop what runs and remove everything that was created here (.env and Docker's volumes are yours to keep)
	@[ ! -x $(AIRFLOW)/python ] || bin/frugal local stop >/dev/null 2>&1 || true
	@[ ! -e $(ENVS)/.lock ] || rm -rf $(FRUGAL_HOME)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

run-envs:
	$(BUILD) airflow local-aws data images/xgboost-3.0-5 images/neo-xgboost $(TORCH)

.PHONY: help demo ui compose local local-stop envs test drift faults forms lint style types types-airflow types-local-aws types-container types-toolkit types-models lint-envs format bench images lock secrets clean run-envs
