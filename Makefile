# The same commands for a person and for .ci/run. On Windows run the recipes' lines with .venv\Scripts in place of .venv/bin.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.frdm-installed

.PHONY: setup demo test test-slow check docs format clean

setup: $(STAMP)  ## a .venv with everything

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: setup  ## draw a short film, damage it, restore it, show what came of it
	$(BIN)/frdm demo demo

test: setup  ## everything that is quick
	$(BIN)/pytest -q -n 2

test-slow: setup  ## whole stories, and the wheel in a clean place
	$(BIN)/pytest -q -m slow

check: setup  ## style, types, rooms
	$(BIN)/ruff check src tests scripts
	$(BIN)/ruff format --check src tests scripts
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup  ## docs/cli.md from the verbs themselves
	$(BIN)/python scripts/write_cli_docs.py

format: setup
	$(BIN)/ruff check --fix src tests scripts
	$(BIN)/ruff format src tests scripts

clean:
	rm -rf build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
