# Two commands do everything on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check bench docs fixtures clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(STAMP)

demo: $(STAMP)  ## the whole loop, with no key and no network beyond the package index
	$(BIN)/streamlab demo

test: $(STAMP)  ## every test, on all cores
	$(BIN)/python -m pytest -n auto --dist loadgroup

check: $(STAMP)  ## format, lint, types, imports, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

bench: $(STAMP)  ## measurements, as ratios inside one run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks

docs: $(STAMP)  ## regenerate the generated docs
	$(BIN)/python docs/generate.py

fixtures: $(STAMP)  ## rewrite what is expected of our own fixtures
	$(BIN)/python fixtures/generate.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
