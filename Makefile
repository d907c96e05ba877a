# What one types here.  `make help` lists it; steps longer than a line stand in scripts/.
BIN := .venv/bin
AXE := tests/browser/node_modules/.package-lock.json
CLIENTS := tests/clients/node_modules/.package-lock.json
SHELL_SCRIPTS := $(wildcard scripts/*.sh) .ci/run

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test check bench lock clean for-running for-testing packages

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

run: for-running ## start the edge with its demonstration of sign-in; Ctrl-C stops it (ARGS="--config FILE" for another file)
	@exec $(BIN)/dvc-edge serve --config conf/demonstration/edge.toml $(ARGS)

test: packages $(AXE) $(CLIENTS) check ## install what the tests need, check the sources, run every test (ARGS goes to pytest)
	@scripts/tests.sh $(ARGS)

check: for-testing ## formatting, lint, types, layers, templates and messages, Dockerfile, shell scripts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -e tests/check_templates.py ]; then set -x; $(BIN)/python tests/check_templates.py; fi
	$(BIN)/hadolint Dockerfile
	@if command -v shellcheck >/dev/null; then set -x; shellcheck $(SHELL_SCRIPTS); else echo 'shellcheck is missing: shell scripts not checked'; fi

bench: for-testing ## measure the edge beside nginx, HAProxy, Caddy and aiohttp (ARGS=--quick, --large, names)
	@scripts/bench_packages.sh
	@$(BIN)/python -m bench $(ARGS)

lock: ## write requirements/*.txt anew from pyproject.toml (ARGS=--upgrade takes newer releases)
	@scripts/lock.sh $(ARGS)

clean: ## remove what the targets above have made
	rm -rf .venv tests/browser/node_modules tests/clients/node_modules dist htmlcov test-results .coverage
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

for-running:
	@scripts/install.sh run

for-testing:
	@scripts/install.sh test

packages:
	@scripts/packages.sh

$(AXE): tests/browser/package-lock.json
	@scripts/axe.sh

$(CLIENTS): tests/clients/package-lock.json
	@scripts/clients.sh
