# Xunshi 巡视. `make` alone lists the targets. Needs Python >= 3.11 and make; everything else is obtained.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help up install test test-python test-dashboard check contracts bench format clean

# The plain python3 first: ready-made packages are likeliest for the system's own version.
FIND_PYTHON = for p in $$PYTHON python3 python3.13 python3.12 python3.11 python; do \
	if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$p; exit 0; fi; done; \
	echo "Python 3.11 or newer is needed, found: $$(python3 --version 2>&1 || echo none). Install it, or: make PYTHON=/path/to/python3.11" >&2; exit 1
INSTALL = python=$$($(FIND_PYTHON)) && PYTHONPATH=xunshi PYTHONDONTWRITEBYTECODE=1 $$python -m install
export PYTHON
BIN := .venv/bin
# Node from a wheel stands in .venv only when the system has none that is new enough.
NPM = PATH="$(CURDIR)/.venv/bin:$$PATH" npm
# Paths and options for one run, for example: make up ARGS="--port 9090"    make test-python ARGS=tests/unit
ARGS ?=
# Tests that run at the same time, a file each; 0 runs them one after another in this process (for a debugger).
WORKERS ?= 2

help: ## this list · 列出全部目标
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## install what is missing, then start everything on http://127.0.0.1:8080 · 安装并启动
	@$(INSTALL) run
	@exec $(BIN)/xunshi up $(ARGS)

install: ## only install what `make up` needs · 只安装
	@$(INSTALL) run

test: test-python test-dashboard ## all tests, as CI runs them · 全部测试

test-python: ## Python: unit, contract, integration, end to end · Python 测试
	@$(INSTALL) dev
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-dashboard: ## dashboard unit tests · 界面单元测试
	@$(INSTALL) tools
	cd dashboard && $(NPM) test

check: ## format, lint, types, import rules, contract drift, dashboard lint · 静态检查
	@$(INSTALL) tools
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m xunshi.contracts --check
	cd dashboard && $(NPM) run contracts:check && $(NPM) run lint && $(NPM) run typecheck && $(NPM) run format:check

contracts: ## write JSON Schemas, OpenAPI, schema.sql and the reference pages again · 生成契约
	@$(INSTALL) tools
	$(BIN)/python -m xunshi.contracts
	cd dashboard && $(NPM) run contracts

format: ## put the code into the house format · 格式化
	@$(INSTALL) tools
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .
	cd dashboard && $(NPM) run format

bench: ## measure: event latency, memory, start times; results in bench/results · 测量
	@$(INSTALL) dev
	$(BIN)/python -m bench $(ARGS)

clean: ## remove what was built or installed; data/ stays · 清除安装与构建产物
	rm -rf .venv .cache/demo dashboard/node_modules dashboard/dist dashboard/coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './data/*' -prune -exec rm -rf {} +
