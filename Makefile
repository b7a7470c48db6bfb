# Each target does all of its own set-up: a fresh machine needs Python 3.11 or later and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Much of the tests waits for processes of its own, so there is a worker more than cores.
WORKERS = $(shell $(PYTHON) -c "import os; print(os.cpu_count() + 1)")

.PHONY: demo test test-full lint check install wheel clean

demo: install
	$(BIN)/kit demo --out runs/demo

test: install
	$(BIN)/pytest -n $(WORKERS)

# What takes long: simulations of the statistics, kills, matrices.
test-full: install
	$(BIN)/pytest -m full -n $(WORKERS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

wheel: install
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
