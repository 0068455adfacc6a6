# One command sets up and runs the main job (make demo), one sets up and passes the tests (make test).

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
QUESTION ?= Which PEP introduced data classes, and for which Python version?

.PHONY: setup demo test test-local check lint types contracts format clean

setup: $(VENV)/.run
dev: $(VENV)/.dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.run

demo: setup
	$(BIN)/bottega index examples/peps
	$(BIN)/bottega run examples/research.yaml "$(QUESTION)"

# compiled once, or each of the processes that the tests start would compile what it imports
test: dev
	$(BIN)/python -m compileall -q core agents tools plugins
	$(BIN)/python -m pytest --numprocesses auto

# what needs torch; on Linux take its CPU build first if you have no graphics card
test-local: dev
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,local]'
	$(BIN)/python -m pytest tests/plugins/test_sentence_transformers.py tests/plugins/test_knowledge_rerank.py

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev
	$(BIN)/mypy
	$(BIN)/basedpyright

contracts: dev
	$(BIN)/lint-imports

check: lint types contracts test

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .bottega examples/.bottega
