# `make falsify`  contracts against a real model        `make test`  the tests of the house, lint, types
# `make install`  what both need, in .venv              Every target can be repeated; nothing is done twice.

VENV    ?= .venv
PYTHON  ?= python3
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed
MODEL   := smollm2

.PHONY: install model falsify test lint types clean
.DEFAULT_GOAL := falsify

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12 …" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

model: $(STAMP)
	$(BIN)/apr pull $(MODEL)

# The verdicts come first, the status is printed whatever they are, and the exit status is that of the worse of the two.
falsify: model
	@verdicts=0; $(BIN)/python -m pytest -m falsify -p no:randomly || verdicts=$$?; \
	status=0; $(BIN)/pv status || status=$$?; \
	exit $$(( verdicts > status ? verdicts : status ))

test: lint types
	$(BIN)/python -m pytest -m "not falsify"

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy pv runtime/apr conftest.py falsifiers tests

clean:
	rm -rf $(VENV) .pv .mypy_cache .ruff_cache .pytest_cache build dist
