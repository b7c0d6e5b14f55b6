# "make" alone lists the targets.

TEST_WORKERS ?= 2
PYTEST_ARGS ?=
DEMO_ARGS ?=
SEED ?= 1
MINUTES ?= 120
CAMPAIGN_ARGS ?=
PYTHON_DIRS := $(wildcard espnet2_ext local tools benchmarks tests scripts egs2 docs)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help env demo test campaign lint docs clean distclean

help: ## List the targets
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed 's/:.*## /: /' \
	    | while IFS=: read -r name text; do printf '%-10s%s\n' "$$name" "$$text"; done

env: ## Make or update .venv (EXTRAS=test,demo adds groups of setup.cfg)
	@scripts/setup_env.sh

demo: ## The model of the package speaks, learns a new voice, is tested (DEMO_ARGS=...)
	@EXTRAS=demo,cluster scripts/setup_env.sh
	egs2/mini_prompts/sttatts1/run.sh --stage 1 $(DEMO_ARGS)

test: lint ## Lint, then run the tests (TEST_WORKERS=2, PYTEST_ARGS=...)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile $(PYTEST_ARGS)

campaign: ## Try to break it (SEED=1 MINUTES=120 CAMPAIGN_ARGS=...); report in campaign/
	@EXTRAS=test,demo,campaign scripts/setup_env.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.campaign --seed $(SEED) --minutes $(MINUTES) \
	    $(CAMPAIGN_ARGS)

lint: env ## Check style, types, dead code, floors and shell scripts
	$(BIN)/ruff check $(PYTHON_DIRS)
	$(BIN)/ruff format --check $(PYTHON_DIRS)
	$(BIN)/mypy espnet2_ext tools tests/typing_examples.py
	$(BIN)/vulture
	$(BIN)/lint-imports --no-logo --no-cache
	scripts/lint_shell.sh

docs: env ## Build the site in docs/_build/html: links checked, notebooks run, all offline
	HF_HUB_OFFLINE=1 $(BIN)/python -m sphinx -W --keep-going -j auto docs docs/_build/html

clean: ## Remove caches and build output
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache ./*.egg-info \
	    docs/_build docs/reference/commands docs/reference/modules
	find $(PYTHON_DIRS) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Remove .venv and .uv as well
	rm -rf .venv .uv
