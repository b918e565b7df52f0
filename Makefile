# Two commands do everything on a fresh machine with Python 3.11 and make: `make run` and `make test`.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# In their order, which begins with what takes long: no core is idle at the end.
BY_FILE := --dist loadfile --no-loadscope-reorder
# One more than there are cores: some tests wait, for a page, a process or a moment.
WORKERS ?= 3
MACHINES := tests/fediverse/test_many_machines.py
ON_POSTGRES := -m 'not browser and not once' $(MACHINES) tests/fediverse/test_kill.py tests/fediverse/test_two_nodes.py tests/federation tests/models tests/server

unexport PYTHONDONTWRITEBYTECODE  # the tests start many processes, and each would compile everything anew

.PHONY: help run test quick bench lint lock format clean system sqlite postgres

help:  ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

.venv/run: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q models federation server  # half a second less at every start where Python may not do so itself
	@touch $@

.venv/dev: requirements-dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q models federation server
	@touch $@ .venv/run

.venv/migrated: $(wildcard models/migrations/versions/*.py) | .venv/run
	@if test -s data/torv.db; then $(BIN)/torv migrate; else $(BIN)/torv demo; fi
	@touch $@

run: .venv/run .venv/migrated  ## Start a node with the demo world on http://localhost:8000
	@test -s data/torv.db || $(BIN)/torv demo
	@exec $(BIN)/torv serve

system:  # What the tests need of the system; installed where that is possible
	@bash .ci/prepare

test: system .venv/dev  ## Run everything: checks, all tests on SQLite, then all that touch a database on PostgreSQL
	@$(MAKE) --no-print-directory --jobs 2 lint sqlite
	@$(MAKE) --no-print-directory postgres

sqlite: .venv/dev  # All tests, beside SQLite
	# What fails with both cores busy is asked once more, alone; it has to pass then.
	# Machines come later: they plug a cable into this one, and Chromium gives up what it is loading when the network changes.
	$(PYTEST) -n $(WORKERS) $(BY_FILE) --ignore $(MACHINES) tests || $(PYTEST) --last-failed --last-failed-no-failures none --ignore $(MACHINES) tests

postgres: .venv/dev  # What a kind of database can change, beside PostgreSQL
	$(BIN)/python -m tests.postgres $(PYTEST) -n $(WORKERS) $(BY_FILE) $(ON_POSTGRES) || $(BIN)/python -m tests.postgres $(PYTEST) --last-failed --last-failed-no-failures none $(ON_POSTGRES)

quick: .venv/dev  ## The tests that take no more than a minute
	$(PYTEST) -n $(WORKERS) $(BY_FILE) -m "not slow and not browser and not interop" tests

bench: .venv/dev  ## Measure this node, beside a GoToSocial if TORV_GOTOSOCIAL names one (tests/bench/README.md); BENCH="known --runs 5"
	$(BIN)/python -m tests.bench $(BENCH)

lint: .venv/dev  ## Formatting, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev  ## Put the code into the common form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/dev  ## Choose the newest versions of all packages that fit, and write them down with their hashes
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --extra build --extra postgres --extra s3 -o requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --extra build --extra postgres --extra s3 --extra test --extra lint -o requirements-dev.lock pyproject.toml

clean:  ## Remove what was built; the node's data stays
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
