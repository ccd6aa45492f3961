# elfgate: `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
FUZZ_SECONDS ?= 3600
SOAK_MINUTES ?= 30
CHAOS_SECONDS ?= 60
HOSTILE_SECONDS ?= 20
AGREEMENT_ROUNDS ?= 400
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON_FILES := webhook lab tests benchmarks demo docs

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV) || { echo "no virtual environment: install Python 3.11 or later with its module venv (Debian: python3-venv)" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: setup
setup: $(STAMP) ## Make the virtual environment, everything pinned

.PHONY: demo
demo: $(STAMP) ## Show the main job on a real program and real images
	PYTHONPATH=tests $(BIN)/python -m demo

.PHONY: ci
ci: lint test policies demo ## What must pass before a change lands

.PHONY: test
test: $(STAMP) ## Run the tests; what they need beyond Python is named, with how to get it
	.ci/missing
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --ignore tests/browser

.PHONY: e2e
e2e: $(STAMP) ## Try it in a real control plane, built from source the first time (needs Go)
	.ci/opa >/dev/null && .ci/helm 3 >/dev/null && .ci/helm 4 >/dev/null
	ELFGATE_E2E=1 $(BIN)/python -m pytest tests/e2e

MINORS ?= $(notdir $(wildcard tests/e2e/cluster/kubernetes/*))
.PHONY: minors
minors: $(STAMP) ## Try the chart with the API server of each Kubernetes minor (MINORS="1.35 1.37"; needs Go; RECORD=1: in docs/install.md)
	.ci/opa >/dev/null && .ci/helm 3 >/dev/null && .ci/helm 4 >/dev/null
	rm -rf build/minors
	for minor in $(MINORS); do ELFGATE_E2E=1 KUBERNETES=$$minor $(BIN)/python -m pytest --junit-xml build/minors/$$minor.xml \
	  tests/e2e/chart/test_minor.py tests/e2e/chart/test_chart.py tests/e2e/test_admission.py || exit; done
	if [ -n "$(RECORD)" ]; then $(BIN)/python -m docs.minors build/minors; fi

.PHONY: chaos
chaos: $(STAMP) ## Break what two replicas rest on, a fault for CHAOS_SECONDS=60, and tell what each cost
	.ci/opa >/dev/null
	ELFGATE_E2E=1 CHAOS_SECONDS=$(CHAOS_SECONDS) $(BIN)/python -m pytest tests/e2e/chaos; status=$$?; \
	  cat build/chaos/table.txt; exit $$status

.PHONY: hostile
hostile: $(STAMP) ## Attack two replicas as strangers and tenants would, each way for HOSTILE_SECONDS=20, and tell what it cost (RECORD=1: in docs/hostile.md)
	ELFGATE_HOSTILE=1 HOSTILE_SECONDS=$(HOSTILE_SECONDS) $(BIN)/python -m pytest tests/hostile; status=$$?; \
	  cat build/hostile/table.txt; exit $$status
	if command -v go >/dev/null; then \
	  $(BIN)/python benchmarks/overload.py $(if $(HOSTILE_SLACK),,--check) --seconds $(HOSTILE_SECONDS) --table build/hostile/overload.md; fi
	if [ -n "$(RECORD)" ]; then $(BIN)/python docs/hostile.py build/hostile; fi

.PHONY: browser
browser: $(STAMP) ## Try the pages in a real Chromium, by keyboard and with axe (skips what it has not got, by name)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/browser.txt
	$(BIN)/python -m pytest tests/browser

.PHONY: pictures
pictures: $(STAMP) ## Take the pictures that the site shows, by a real Chromium, into build/pictures (then make site)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/browser.txt
	$(BIN)/python docs/pictures.py

.PHONY: published
published: $(STAMP) ## Read the manifests that projects publish in their Go modules (needs Go)
	command -v go >/dev/null || { echo "no go to fetch modules with: install Go 1.26 or newer" >&2; exit 1; }
	rm -f build/published.txt
	ELFGATE_PUBLISHED=1 $(BIN)/python -m pytest tests/published; status=$$?; cat build/published.txt; exit $$status

.PHONY: policies
policies: $(STAMP) ## Check and test the policies with OPA, and both engines against each other
	opa=$$(.ci/opa) && \
	$$opa fmt --list --fail policies docs/rules .ci && \
	$$opa check --strict --bundle --schema policies/schema/input.json --capabilities policies/capabilities.json policies && \
	$$opa test --timeout 60s --bundle policies && mkdir -p build && \
	$$opa test --timeout 60s --threshold 100 policies/elfgate policies/lib policies/rules policies/data.json >build/coverage.json && \
	OPA=$$opa .ci/annotations policies && \
	PATH=$${opa%/*}:$$PATH $(BIN)/elfgate bundle test --rules docs/rules && \
	OPA=$$opa $(BIN)/python -m pytest --numprocesses auto tests/contract

.PHONY: agreement
agreement: $(STAMP) ## Ask both engines 100,000 documents by chance (AGREEMENT_ROUNDS=400, 250 documents each; needs OPA)
	opa=$$(.ci/opa) && OPA=$$opa AGREEMENT_ROUNDS=$(AGREEMENT_ROUNDS) $(BIN)/python -m pytest -q \
		tests/contract/test_agreement.py -k both_engines

.PHONY: chart
chart: $(STAMP) ## Lint and render the Helm chart with Helm 3 and 4 (built the first time, needs Go), and check it offline
	$(BIN)/python docs/chart.py
	.ci/helm 3 && .ci/helm 4
	$(BIN)/python -m pytest --numprocesses auto tests/chart

.PHONY: docs
docs: $(STAMP) ## Write what is generated: help texts, schemas, the policies' table and aggregator, the chart's values
	$(BIN)/python docs/policies.py
	$(BIN)/python docs/chart.py
	$(BIN)/python -m docs.generate

.PHONY: site
site: $(STAMP) ## Build the docs as a site in build/site/html, strictly; it fetches nothing, and its search needs no network
	$(BIN)/python -m venv build/site/venv
	build/site/venv/bin/python -m pip install --quiet --require-hashes --requirement requirements/docs.txt
	NO_MKDOCS_2_WARNING=1 build/site/venv/bin/python docs/site.py

.PHONY: truth
truth: $(STAMP) ## Start real programs in real roots for every architecture, and compare with the predictions (RECORD=1: in docs/accuracy.md)
	$(BIN)/python -m pytest -m truth tests/truth; status=$$?; cat build/truth/table.txt; \
	  if [ -n "$(RECORD)" ]; then $(BIN)/python -m docs.accuracy build/truth/accuracy.json; fi; exit $$status

.PHONY: bases
bases: $(STAMP) ## Put 20 real programs upon 12 bases for 4 architectures, predict and start each (RECORD=1: in docs/accuracy.md)
	PYTHONPATH=tests:. $(BIN)/python -m truth.rebased $(if $(RECORD),--record); status=$$?; \
	  if [ -n "$(RECORD)" ]; then $(BIN)/python -m docs.accuracy; fi; exit $$status

.PHONY: bench
bench: $(STAMP) ## Run all benchmarks, side by side with peers (builds them the first time, if there is Go)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/bench.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/browser.txt
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/predict.py
	$(BIN)/python benchmarks/policy.py
	$(BIN)/python benchmarks/store.py
	opa=$$(.ci/opa) && OPA=$$opa $(BIN)/python benchmarks/webhook.py
	$(BIN)/python benchmarks/nodes.py
	$(BIN)/python benchmarks/creation.py
	$(BIN)/python benchmarks/check.py --conftest "$$(benchmarks/peers/conftest.sh || true)"
	$(BIN)/python benchmarks/audit.py
	$(BIN)/python benchmarks/elf.py
	$(BIN)/python benchmarks/trial.py
	$(BIN)/python benchmarks/layers.py --peers "$$(benchmarks/peers.sh || true)"
	$(BIN)/python benchmarks/page.py

.PHONY: soak
soak: $(STAMP) ## See whether memory, descriptors or latency grow under SOAK_MINUTES=30 of load
	$(BIN)/python benchmarks/soak.py --minutes $(SOAK_MINUTES) --table build/soak/table.txt

.PHONY: fuzz
fuzz: $(STAMP) ## Fuzz ELF, ld.so.cache, execve, layers, trees, heads, reviews and whole predictions for FUZZ_SECONDS=3600
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/fuzz.txt
	$(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS)

.PHONY: image
image: $(STAMP) ## Put our own image together for every platform, scan it, and start it on each (needs no engine)
	$(BIN)/python -m lab.image build/image
	$(BIN)/elfgate scan oci:build/image:elfgate --all
	TRIED_IMAGE=build/image $(BIN)/python -m pytest tests/packaging/test_image.py

.PHONY: release
release: $(STAMP) ## Make everything that VERSION=… publishes, for REGISTRY=… and DOWNLOADS=URL, in build/release (KEY=file signs it, TRIAL=1 allows a dirty checkout)
	[ -n "$(VERSION)" ] && [ -n "$(REGISTRY)" ] || { echo "make release VERSION=0.1.0 REGISTRY=registry.example/team DOWNLOADS=https://files.example/0.1.0" >&2; exit 2; }
	[ -d build/image ] || $(BIN)/python -m lab.image build/image
	$(BIN)/python -m lab.release make "$(VERSION)" build/release --image build/image --registry "$(REGISTRY)" \
	  $(if $(DOWNLOADS),--downloads "$(DOWNLOADS)") $(if $(KEY),--key "$(KEY)") $(if $(TRIAL),--trial)

.PHONY: publish
publish: $(STAMP) ## Push the release's image, chart, signatures and statements to REGISTRY=… (docker login first)
	$(BIN)/python -m lab.release publish build/release --registry "$(REGISTRY)" $(if $(PLAIN_HTTP),--plain-http)

.PHONY: truth-kernels
truth-kernels: $(STAMP) ## Boot real kernels of other architectures, and record what they start
	PYTHONPATH=tests $(BIN)/python -m truth.booted

.PHONY: format
format: $(STAMP) ## Format the code
	$(BIN)/ruff format $(PYTHON_FILES)
	$(BIN)/ruff check --fix-only --quiet $(PYTHON_FILES)

.PHONY: lint
lint: $(STAMP) ## Check format, lint, types and the rooms' order
	$(BIN)/ruff format --check $(PYTHON_FILES)
	$(BIN)/ruff check $(PYTHON_FILES)
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: lock
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
lock: $(STAMP) ## Pin the dependencies and the image's Debian packages anew, with hashes
	$(LOCK) --no-annotate --output-file requirements/runtime.txt pyproject.toml
	$(LOCK) --no-annotate --extra otel --output-file requirements/otel.txt pyproject.toml
	$(LOCK) --group dev --extra otel --output-file requirements/dev.txt pyproject.toml
	$(LOCK) --group bench --output-file requirements/bench.txt
	$(LOCK) --group fuzz --output-file requirements/fuzz.txt
	$(LOCK) --group browser --output-file requirements/browser.txt
	$(LOCK) --no-annotate --group docs --output-file requirements/docs.txt
	$(BIN)/python -m lab.locked
