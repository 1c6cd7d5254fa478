# Everything a person or CI does here. `make` alone lists the targets.
# The first target that needs it builds .venv with uv; nothing is installed outside this folder.

export PYTHONPATH := $(CURDIR)/src:$(CURDIR)/dev
# Dozens of programs are started here. Where the shell forbids bytecode, as many container images do,
# each would compile two thousand modules again.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/bytecode
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python
IN := $(PY) -m devserver with --
TESTING := ENVIRONMENT=test $(IN)
LONG_TESTS := tests/billing/test_provider_contract.py tests/billing/test_billing_pages.py tests/billing/test_billing_page_states.py
ROLE ?= admin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run stop demo token test cover check check-all fmt format-check lint types contracts migrations schema openapi soak bench migrate shell psql lock clean

help:  ## list these targets
	@grep -E '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  %-12s%s\n", $$1, $$2}'

setup:  ## build or refresh .venv (every other target does it by itself)
	@sh scripts/setup 1>&2

run: setup  ## start database, sandbox, API and worker; Ctrl-C stops them all
	@$(PY) -m devserver run

token: setup  ## print a session token of the demo organization: make token ROLE=viewer
	@$(PY) -m devserver token --role $(ROLE)

demo: setup  ## walk through the life of one organization
	@$(PY) -m devserver demo

stop: setup  ## stop what a killed run may have left behind
	@$(PY) -m devserver stop

migrate: setup  ## migrate the shared schema and every organization's
	@$(IN) $(PY) src/manage.py migrate_all

shell: setup  ## open Django's shell, with the models imported
	@$(IN) $(PY) src/manage.py shell $(ARGS)

psql: setup  ## open psql as the owner of the database: make psql ARGS="-c 'SELECT 1'"
	@$(IN) $(PY) src/manage.py dbshell -- $(ARGS)

test: setup  ## run the tests: make test ARGS="tests/billing -k seat"
	@$(TESTING) $(PY) -m pytest -n 2 $(ARGS)

cover: setup  ## run the tests and report uncovered branches
	@$(TESTING) sh -c '$(PY) -m coverage run -m pytest $(ARGS) && $(PY) -m coverage combine -q && $(PY) -m coverage report'

check-all: setup  ## what takes longer: tests of the sandbox, the development server, the guides, adapters and staff's billing page
	@$(TESTING) $(PY) -m pytest -n 2 -m "not benchmark and not soak" dev tests/guides $(LONG_TESTS) $(ARGS)

soak: setup  ## run the long tests
	@$(TESTING) $(PY) -m pytest -m soak -p no:randomly $(ARGS)

bench: setup  ## measure, side by side
	@$(TESTING) $(PY) -m pytest -m benchmark -p no:randomly -s $(ARGS)

check: setup  ## all that CI runs, cheapest refusal first
	@$(TESTING) $(MAKE) format-check lint types contracts migrations schema test

fmt: setup  ## format, and fix what can be fixed
	@$(PY) -m ruff format . && $(PY) -m ruff check --fix .

format-check: setup
	@$(PY) -m ruff format --check .

lint: setup  ## ruff, and plain words
	@$(PY) -m ruff check . && $(PY) scripts/words.py

types: setup  ## mypy, strict
	@$(TESTING) $(PY) -m mypy

contracts: setup  ## import-linter: the arrow between the slices
	@.venv/bin/lint-imports --no-logo --cache-dir .cache/imports

migrations: setup  ## no model without its migration, and the tenant script says the same
	@$(TESTING) $(PY) src/manage.py makemigrations --check --dry-run
	@$(TESTING) $(PY) src/manage.py tenant_script --check

schema: setup  ## the OpenAPI file is the one committed, sound, and a typed client compiles
	@$(TESTING) sh scripts/schema

openapi: setup  ## write docs/api/openapi.yaml again
	@$(TESTING) sh scripts/schema --write

lock: setup  ## compile requirements/ from pyproject.toml
	@sh scripts/lock

clean:  ## remove everything made here: database, .venv, caches
	@if [ -x $(PY) ]; then $(PY) -m devserver clean; fi
	@rm -rf node_modules .venv .tools .cache .ruff_cache .hypothesis
