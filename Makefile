# Everything sets itself up: a virtual environment in .venv, npm packages in js_client/node_modules, a browser, nginx.
PYTHON_SOURCES := protocol reference_server conformance_tests
BIN := .venv/bin
NODE_CLIENT := node --experimental-websocket js_client/bin/pagewire-headless.mjs {url} --downloads {downloads}
# Many tests start processes: without compiled modules each would compile all of ours anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test test-attacks test-lowest test-pythons conformance check format generate benchmark benchmark-streams benchmark-load benchmark-values walks clean

help: ## show this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 28

demo: .setup/python ## serve the demo on http://127.0.0.1:8080/ (PORT=... for another port)
	@$(BIN)/pagewire-server demo --port $(or $(PORT),8080)

test: check .setup/browser .setup/nginx ## all checks, all tests, in Python, in Node and in a real browser, and the conformance suite
	@echo '--- tests of the JavaScript client (node)'
	@cd js_client && npm test --silent
	@echo '--- tests of protocol and server (pytest, with a real browser)'
	@$(BIN)/pytest -q -n 3 protocol/tests reference_server/tests
	@echo '--- tests of the conformance suite: it catches every defect'
	@$(BIN)/pytest -q -n 10 --dist worksteal conformance_tests/tests
	@$(MAKE) --no-print-directory conformance

test-attacks: .setup/python ## every attack on the server, the long ones too: what each takes, before its defence and now
	@$(BIN)/python reference_server/tests/attacks/run_attacks.py

test-lowest: .setup/lowest .setup/nginx ## protocol and server, without a browser, on the lowest versions that pyproject.toml allows
	@.setup/venv-lowest/bin/pytest -q -n 2 -p no:cacheprovider --ignore reference_server/tests/browser protocol/tests reference_server/tests

test-pythons: .setup/nginx ## the server, without a browser, under every Python from 3.11 to 3.14 that is here
	@.ci/test-pythons

conformance: .setup/browser .setup/javascript ## our own clients against the conformance suite: Node, and the page in a browser
	@echo '--- conformance of the client in Node'
	@$(BIN)/pagewire-conformance --command '$(NODE_CLIENT)' --report .setup/report-node
	@echo '--- conformance of the page in a browser'
	@$(BIN)/pagewire-conformance --page builtin --report .setup/report-page

check: .setup/python .setup/javascript ## format, lint, types, import contracts, generated files
	@echo '--- format and lint (ruff)'
	@$(BIN)/ruff format --check $(PYTHON_SOURCES)
	@$(BIN)/ruff check $(PYTHON_SOURCES)
	@echo '--- types (mypy, strict)'
	@$(BIN)/mypy
	@echo '--- import contracts (import-linter)'
	@$(BIN)/lint-imports
	@echo '--- schemas are what the models say'
	@$(BIN)/pagewire-schema check
	@echo '--- walks: how many files one call passes through'
	@$(BIN)/python reference_server/benchmarks/walks.py --check
	@echo '--- JavaScript: generated files, format and lint (biome), types (tsc)'
	@cd js_client && npm run --silent generate:check && npm run --silent lint && npm run --silent types

format: .setup/python .setup/javascript ## write all code in its format, mending what can be
	@$(BIN)/ruff check --fix --quiet $(PYTHON_SOURCES) || true
	@$(BIN)/ruff format $(PYTHON_SOURCES)
	@cd js_client && npm run --silent format

generate: .setup/python .setup/javascript ## write all generated files: schemas, JavaScript types and validator, KILLS.md
	@$(BIN)/pagewire-schema write protocol/schemas/1.0
	@cd js_client && npm run --silent generate
	@cd conformance_tests/tests && ../../$(BIN)/python -m broken_clients.matrix

benchmark: .setup/python ## round trips per second beside bare websockets
	@$(BIN)/python reference_server/benchmarks/round_trips.py

benchmark-streams: .setup/python ## downloads beside bare websockets: speed, bytes, memory, who waits
	@$(BIN)/python reference_server/benchmarks/downloads.py

benchmark-load: .setup/python ## many sessions: memory, fairness, clients that do not read, leaks, attacks
	@$(BIN)/python reference_server/benchmarks/load.py

benchmark-values: .setup/python .setup/browser ## values of 100 KB from a real Chromium, beside a bare page
	@$(BIN)/python reference_server/benchmarks/chromium_values.py

walks: .setup/python .setup/javascript ## how many files one call passes through, beside the targets
	@$(BIN)/python reference_server/benchmarks/walks.py

clean: ## remove what was installed here
	rm -rf .venv .setup js_client/node_modules

.setup/python: pyproject.toml .ci/setup
	@.ci/setup python

.setup/lowest: pyproject.toml .ci/setup
	@.ci/setup lowest

.setup/javascript: js_client/package.json js_client/package-lock.json .ci/setup
	@.ci/setup javascript

.setup/browser: .setup/python .ci/setup
	@.ci/setup browser

.setup/nginx: .ci/setup
	@.ci/setup nginx
