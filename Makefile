# The commands of README.md. Everything lives in .venv; nothing else on the machine changes.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
JOB := $(VENV)/.installed-job
STAMP := $(VENV)/.installed-all
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

export DE_FILES  # the company's CSV files; unset: stand-in data

.DEFAULT_GOAL := help
.PHONY: help train test test-slow test-containers mutants images check bench book book-serve book-pdf docs lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(JOB): setup.py mle/setup.py data_science/_version.py constraints.txt
	@./bin/make-venv $(VENV)
	@echo "installing what training needs (about a minute, once) ..."
	@$(INSTALL) -e ./mle -e '.[train,embedded]'
	@touch $@

$(STAMP): $(JOB) deployment/requirements.txt
	@echo "installing what development needs (about a minute, once) ..."
	@$(INSTALL) -r deployment/requirements.txt -e '.[train,embedded,book,dev]'
	@touch $@

train: $(JOB) ## train on the database of the environment, or on an embedded one with DE_FILES=DIR or stand-in data
	@$(BIN)/python main.py $(ARGS)

test: $(STAMP) ## all checks and tests except the slow ones
	@$(BIN)/python -m bin.system_needs
	@$(BIN)/python -m pytest -n 3 $(ARGS)  # for two cores: one of three waits, for a server or a browser

test-slow: $(STAMP) ## the tests that take minutes each
	@$(BIN)/python -m bin.system_needs
	@$(BIN)/python -m pytest -m slow $(ARGS)

test-containers: $(STAMP) ## the container tests; fails if no engine is running
	@REQUIRE_CONTAINERS=1 $(BIN)/python -m pytest tests/containers $(ARGS)

mutants: $(STAMP) ## change a copy of the code in small ways, and list the changes that no test notices (25 minutes)
	@PYTHONPATH=tests $(BIN)/python -m mutation $(ARGS)

images: ## build every image of docker-compose.yml
	@REVISION="$$(git describe --always --dirty --abbrev=40 2>/dev/null)" docker compose --profile demo build

check: $(STAMP) ## ruff, mypy strict, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMP) ## every benchmark: ratios against a peer in the same run
	@$(INSTALL) -e '.[bench]'
	@for name in backends cold_start compression fit loo load precision prediction_log rows serving settings; do \
		echo "== benchmarks/$$name.py"; $(BIN)/python -W ignore -m benchmarks.$$name || echo "$$name: failed"; done

book: $(STAMP) ## build the book, executed from the database, into book/_build
	@$(BIN)/python -m book.build html $(ARGS)

book-pdf: $(STAMP) ## build the book with its PDF (needs Chromium)
	@$(BIN)/python -m book.build pdf $(ARGS)

book-serve: $(STAMP) ## serve the book, built first if there is none, on http://127.0.0.1:8000
	@$(BIN)/python -m book.build serve $(ARGS)

docs: $(STAMP) ## build the API reference and the mathematics into docs/_build
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build $(ARGS)
	@echo "the reference is in docs/_build: open docs/_build/index.html"

lock: $(STAMP) ## write the installed versions, which were tested, into constraints.txt
	@$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check \
		| grep -viE '^(pip|jax|jaxlib|ml_dtypes|opt_einsum)==' > constraints.txt

clean: ## remove the environment and caches, never models
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
