# Two commands do everything on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
# Where the environment keeps no compiled modules, each start of a command would compile some five hundred.
export PYTHONDONTWRITEBYTECODE :=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := $(VENV)/.demo
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# Processes that run tests: they wait a tenth of their time, so there is one more than there are cores.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 20
# Rounds of `make fuzz`; what `make coverage` runs.
ROUNDS ?= 10
CORE_TESTS := tests/wire tests/rules tests/apis tests/comparing tests/judging tests/playback tests/repairing tests/dialects
CORPORA := tests/repairing/test_normalizer_corpus.py tests/apis/test_recorded.py tests/rules/test_corpus.py

.PHONY: demo test test-all fuzz coverage check dist floors bench real docs fixtures clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --editable '.[dev]'
	touch $(STAMP)

# What the demo needs, a twentieth of what the tests do; where those are installed, nothing.
$(DEMO): pyproject.toml
	[ -e $(STAMP) ] || $(PYTHON) -m venv $(VENV)
	[ -e $(STAMP) ] || $(PIP) install --editable . 'openai>=2'
	touch $(DEMO)

demo: $(DEMO)  ## the whole loop, with no key and no network beyond the package index
	$(BIN)/streamlab demo

test: $(STAMP)  ## the tests, on all cores: always the same examples
	$(PYTEST) -m 'not slow'

test-all: $(STAMP)  ## every test, the long ones too, with Dask, an S3 server, a Chromium and the npm client, which are installed where they are missing
	sh tools/optional.sh $(VENV)
	STREAMLAB_NODE_OPENAI=$(CURDIR)/$(VENV)/node STREAMLAB_CHROMIUM="$$(cat $(VENV)/chromium)" $(PYTEST)

fuzz: $(STAMP)  ## the properties with random examples, again and again
	for round in $$(seq $(ROUNDS)); do STREAMLAB_EXAMPLES=random $(PYTEST) -m 'hypothesis or sweep' || exit 1; done

coverage: $(STAMP)  ## branches of the core rooms, by their own tests without the corpora; the floor is in pyproject.toml
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -q -n auto $(CORE_TESTS) $(addprefix --ignore ,$(CORPORA))
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --skip-covered

check: $(STAMP)  ## format, lint, types, imports, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

dist: $(STAMP)  ## sdist and wheel, checked, and the demo from the wheel alone in an empty folder
	rm -rf dist
	$(PIP) install build twine
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	sh tools/try_wheel.sh $(PYTHON)

floors: $(STAMP)  ## lowest and newest dependencies, on each Python that is here
	$(BIN)/python tools/floors.py

bench: $(STAMP)  ## measurements, as ratios inside one run
	$(PIP) install --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks

real: $(STAMP)  ## real servers from the package index, asked and judged: some minutes, half a gigabyte
	$(BIN)/python tools/real/run.py

docs: $(STAMP)  ## regenerate the generated docs
	$(BIN)/python docs/generate.py

fixtures: $(STAMP)  ## rewrite what is expected of our own fixtures
	$(BIN)/python fixtures/generate.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
