# `make app` and `make test` are all a newcomer needs. Everything runs in .venv; nothing is installed elsewhere.

PYTHON ?= python3
PORT ?= 8501
RUNS ?= 10
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
ADDRESS := http://localhost:$(PORT)

.PHONY: app test test-long check docs bench bench-gpu samples clean

app: $(VENV)/.app
	@echo "sparselab opens at $(ADDRESS)  (Ctrl-C ends it)"
	@$(BIN)/python -m sparselab.app.server run app.py --server.port $(PORT) --server.headless $$($(BIN)/python -c "import webbrowser; \
	exec('try: webbrowser.get(); print(\"false\")\nexcept webbrowser.Error: print(\"true\")')")

# In WORKERS processes, the tests of a file in one of them. Bytecode is kept: the tests start hundreds of processes, and each would
# compile the package again.
test: $(VENV)/.test
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Peaks of memory with large layers: minutes. Then the whole suite RUNS times beside two busy processes: hours. Says which tests
# failed in which run.
test-long: $(VENV)/.test
	$(BIN)/python tests/long/memory.py
	PYTHONPATH=. $(BIN)/python tests/long/steps.py
	PYTHONPATH=. $(BIN)/python tests/long/killed_trainings.py
	$(BIN)/python tests/long/native.py
	$(BIN)/python tests/long/emulated.py
	SPARSELAB_TEST_LAYERS=1000 $(BIN)/python -m pytest tests/kernels/test_triton_interpreted.py
	$(BIN)/python -m pytest tests/long/audit_hostile.py
	PYTHONPATH=. $(BIN)/python tests/long/compiled.py
	$(BIN)/python tests/long/busy.py --runs $(RUNS)

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The documents as a site in site/, warnings as errors (--quiet would not count them). Search wants a server:
# python3 -m http.server -d site
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "the site is in site/index.html"

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks.regroup
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.network
	$(BIN)/python -m benchmarks.app
	$(BIN)/python -m benchmarks.large_files

# All tests for a CUDA device, some minutes, then the benchmark, whether they passed or not: half an hour, or --minutes of it.
bench-gpu: $(VENV)/.test
	$(BIN)/python -m pytest -m gpu; tests=$$?; $(BIN)/python -m benchmarks.gpu_latency && exit $$tests

samples: $(VENV)/.test
	$(BIN)/python -m benchmarks.make_samples

clean:
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c "import sys; sys.exit('sparselab needs Python 3.11 or newer; this is ' + sys.version.split()[0] + ': make app PYTHON=python3.12' if sys.version_info < (3, 11) else 0)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: requirements.txt | $(VENV)/bin/python
	@echo "installing what the app needs into $(VENV): some minutes and gigabytes the first time, most of it torch"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.docs: docs/requirements.txt $(VENV)/.app
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch $@

$(VENV)/.test: tests/requirements.txt $(VENV)/.docs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@
