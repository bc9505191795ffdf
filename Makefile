# Frontdesk. `make help` says what there is; what needs .venv makes it first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EMULATORS := .emulate_cache/.fetched
# Where npm reaches nothing it would try for minutes.
SOON := --fetch-timeout=30000 --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=1000

.DEFAULT_GOAL := help
.PHONY: help demo up test emulators lint bench corpora fuzz lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit("Frontdesk needs Python 3.11 or later: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(READY) ## Play a whole support day against the sandbox and check every step
	@$(BIN)/frontdesk demo

up: $(READY) ## Run everything on this machine until Ctrl-C
	@$(BIN)/frontdesk up

test: $(READY) ## Run all tests, on a real PostgreSQL and a real Redis
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

emulators: $(EMULATORS) ## Fetch the emulators that tests/emulators needs (npm)

$(EMULATORS): tests/emulators/package.json tests/emulators/package-lock.json
	@mkdir -p .emulate_cache
	@cp $^ .emulate_cache
	@npm ci --prefix .emulate_cache --ignore-scripts --no-audit --no-fund --loglevel=error $(SOON)
	@touch $@

lint: $(READY) ## Check style, types and who imports whom
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY) ## Measure latency, throughput and memory; with CORPORA=DIR, parsing on the mails there
	@$(BIN)/python -m tests.bench $(if $(CORPORA),"$(CORPORA)")
	@$(BIN)/python -m tests.pace_bench

corpora: $(READY) ## Measure how mail is read against the expectations in CORPORA=DIR
	@$(BIN)/python -m tests.corpora "$(CORPORA)"

fuzz: $(READY) ## Feed 10,000 mutated and many hostile mails to a desk; with CORPORA=DIR, made of the mails there
	@$(BIN)/python -m tests.fuzz $(if $(CORPORA),"$(CORPORA)")

lock: $(READY) ## Pin the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --all-extras --quiet --upgrade pyproject.toml --output-file requirements.lock

clean: ## Remove the virtual environment and what a run left behind
	rm -rf $(VENV) .frontdesk .emulate_cache build ./*.egg-info
