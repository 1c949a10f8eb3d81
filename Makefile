# make verify   the main job: install into .venv, verify the shipped paper, print its table
# make test     install into .venv, run the tests on all cores
# make lint     ruff, mypy --strict, import contracts
# make coverage every branch of the kernel is taken by the kernel's own tests, or this fails
# make bench    the tables of bench/, which takes a while; CAPD=FOLDER names a built CAPD, the peer of the enclosures, which pip does not have
# make gallery  notes of the shipped papers as pages, PDF and Markdown, in docs/gallery/
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

.PHONY: verify test lint coverage bench gallery clean

verify: $(VENV)/.installed
	$(BIN)/polarflow verify chou_rauhut_ward

test: $(VENV)/.developer
	HYPOTHESIS_PROFILE=ci $(BIN)/pytest --numprocesses auto --dist loadfile

lint: $(VENV)/.developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

coverage: $(VENV)/.developer
	HYPOTHESIS_PROFILE=ci $(BIN)/coverage run -m pytest tests/proofs_check/kernel
	$(BIN)/coverage report

bench: $(VENV)/.developer
	$(BIN)/python -m bench
	$(BIN)/python -m bench.printers
	$(BIN)/python -m bench.float64
	$(BIN)/python -m bench.digits
	$(BIN)/python -m bench.enclosures $(CAPD)
	$(BIN)/python -m bench.laws
	$(BIN)/python -m bench.certify

gallery: $(VENV)/.developer
	$(BIN)/python -m polarflow.notes.gallery docs/gallery

clean:
	rm -rf $(VENV)

ifdef UV
$(VENV)/.installed: pyproject.toml
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python -e .
	touch $@
$(VENV)/.developer: $(VENV)/.installed
	$(UV) pip install --quiet --python $(BIN)/python -e '.[dev]'
	touch $@
else
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "polarflow needs Python 3.11 or newer, and $(PYTHON) is older; run: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@
$(VENV)/.developer: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@
endif
