# Each target sets itself up: it needs a Python from 3.11 on with venv, and make.
PYTHON ?= $(or $(shell for one in python3 python3.13 python3.12 python3.11; do \
	  "$$one" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$one" && break; done),python3)
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   := demo
TESTS  :=
# tools/matrix.py gives a file of constraints, to have other versions than the newest, and uv where pip takes too long.
BOUNDS :=
PIP     = $(BIN)/python -m pip install
INSTALL = $(PIP) --quiet $(if $(BOUNDS),--constraint $(BOUNDS)) --editable

.PHONY: demo test quick lint bench clean

demo: $(VENV)/.run
	$(BIN)/mmdia demo --out $(DEMO)

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 $(TESTS)

# A minute or two: films are opened, aligned, cut, packed and loaded, and every dependency is used.
quick: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 -m quick

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/export_schema.py --check
	$(BIN)/python tools/export_refusals.py --check
	$(BIN)/python tools/make_card.py --check
	$(BIN)/python tools/make_demofilm.py --check

bench: $(VENV)/.test
	$(BIN)/python tools/bench.py all

clean:
	rm -rf $(VENV) .cache demo bench build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; give it as: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python's venv module is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

# The package itself is installed editable, so these are redone only when the dependencies change.
$(VENV)/.run: $(VENV)/bin/python pyproject.toml
	@echo "Installing about 55 packages into $(VENV), a minute or so"
	@$(INSTALL) .
	@touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml
	@echo "Installing about 100 packages into $(VENV), a minute or two"
	@$(INSTALL) '.[test]'
	@touch $@ $(VENV)/.run

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	@echo "Installing about 105 packages into $(VENV), a minute or two"
	@$(INSTALL) '.[dev]'
	@touch $@ $(VENV)/.run $(VENV)/.test
