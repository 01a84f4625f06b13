# Recipes call node directly: with npm in between, a signal to make would not reach the supervisor.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install setup demo dev topology test test-long chaos bench format lint types clean

# Compiled TypeScript is not needed: tsx reads the sources.
RUN := node --import tsx
# The supervisor itself needs little.
SUPERVISOR := node --max-old-space-size=128 --max-semi-space-size=4 --import tsx

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

install: ## Install the npm packages, where they do not match the lock file
	@command -v node >/dev/null || { echo "Node 20.19 or later is needed: there is no node on the PATH." >&2; exit 1; }
	@node dev/install-packages.mjs

setup: install ## Install the other programs that the tests need, where they are missing
	@$(RUN) dev/setup.ts

demo: install ## Run one real job from images to out/demo.mp4
	@$(SUPERVISOR) dev/demo.ts

dev: install ## Run the whole stack until Ctrl-C
	@$(SUPERVISOR) dev/main.ts

topology: install ## Run the production topology until Ctrl-C: compiled code, the real Temporal server on Postgres
	@npm run --silent build
	@$(SUPERVISOR) dev/topology/main.ts

test: setup ## Check format, lint and types, and run the tests
	@$(RUN) dev/run-tests.ts

test-long: setup ## Run the long tests: faults, production topology, deploys
	@$(RUN) dev/run-tests.ts --long

chaos: setup ## Ten minutes of orders while parts are killed and the provider misbehaves (SEED=n to repeat one)
	@$(RUN) test/faults/chaos.ts $(if $(SEED),--seed $(SEED))

bench: setup ## Run the benchmarks and write out/bench.json
	@$(RUN) bench/main.ts

format: install ## Format all files
	@node_modules/.bin/biome check --write --linter-enabled=false .

lint: install ## Lint all files
	@node_modules/.bin/oxlint --type-aware .

types: install ## Check the types
	@node_modules/.bin/tsc -p .

clean: install ## Remove what was made here: data and logs of the stack, results, compiled code
	@$(RUN) dev/clean.ts
