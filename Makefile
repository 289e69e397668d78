# The study's table of contents. `make` alone prints the verbs.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables --no-print-directory

# What is studied, as MARKET=nse on make's command line or NSE_LSTM_MARKET=nse in the
# environment. The bare names are not read from the environment: other tools set some.
# Market and folder of the source files are else what the study file says.
NSE_LSTM_TEST_YEAR ?= 0
NSE_LSTM_STUDY     ?= study.toml
NSE_LSTM_ROOT      ?= .
NSE_LSTM_RAW       ?=
NSE_LSTM_PYTHON    ?= python3
NSE_LSTM_LAB       ?=
NSE_LSTM_AS_OF     ?=
NSE_LSTM_YEARS     ?=
NSE_LSTM_HOST      ?= 127.0.0.1
NSE_LSTM_PORT      ?= 8000
NSE_LSTM_YEAR      ?= 0
NSE_LSTM_SEARCHED  ?= ridge,boosting,rank_lstm
NSE_LSTM_SEED      ?= 17
NSE_LSTM_V         ?=
# MARKET=a market of the study file; its default_market without it
# RAW=folder of its source files; the study file's without it
# STUDY=study file: study.toml, study.quick.toml, study.full.toml or your own
# ROOT=folder of the artefacts and pages; the project without it
# TEST_YEAR=the year kept to the end; the last with 200 sessions without it
# AS_OF=day of score, monitor and daily, as 2024-12-31; the last session without it
# YEAR=year of replay; the test year without it
# YEARS=years of fetch, as 2007-2025
# SEARCHED=models of search, with commas
# SEED=of mutation
# HOST=address of serve
# PORT=port of serve
# LAB=further options of JupyterLab
# PYTHON=interpreter of the environment, as python3.11
VARIABLES := MARKET TEST_YEAR STUDY ROOT RAW PYTHON LAB AS_OF YEARS HOST PORT YEAR SEARCHED SEED V
$(foreach name,$(VARIABLES),$(eval $(name) = $$(NSE_LSTM_$(name))))

ifndef NSE_LSTM_MARKET
FIND_MARKET     := s/^default_market *= *"\([a-z0-9_]*\)".*/\1/p
NSE_LSTM_MARKET := $(firstword $(shell sed -n '$(FIND_MARKET)' "$(STUDY)" study.toml 2>/dev/null) simulated)
endif

# V=1 shows every command and what every cell shows.
Q := $(if $(V),,@)

# A misspelt variable would silently study something else.
GIVEN   := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
UNKNOWN := $(filter-out $(VARIABLES) EDGES MAKE%,$(GIVEN))
ifneq ($(UNKNOWN),)
$(error Unknown variable $(UNKNOWN). $(shell $(PYTHON) -c 'import difflib, sys; near = \
  difflib.get_close_matches(sys.argv[1].upper(), sys.argv[2:], 1, 0.5); \
  print(f"Did you mean {near[0]}?" if near else "Known: " + ", ".join(sys.argv[2:]))' $(firstword $(UNKNOWN)) $(VARIABLES)))
endif

ENVIRONMENT := .venv/installed
SERVICE     := .venv-service/installed
NSE_LSTM    := .venv/bin/nse-lstm
BUILD       := $(ROOT)/build/$(MARKET)
REPORTS     := $(ROOT)/reports/$(MARKET)
IDENTITY    := --root $(ROOT) --study "$(STUDY)" --market $(MARKET) --raw "$(RAW)" --test-year $(TEST_YEAR)
STAMP       := $(BUILD)/study.json
VERDICT     := $(ROOT)/trained_models/$(MARKET)/evaluation/verdict.json
PHASES      := $(basename $(notdir $(wildcard notebooks/0*_*.ipynb)))
QUICK       := STUDY=study.quick.toml MARKET=$(MARKET) TEST_YEAR=$(TEST_YEAR)

ifneq ($(words $(ROOT)),1)
$(error ROOT must be a folder without spaces. Received: $(ROOT))
endif

# Python compiles once, not in every kernel, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE
export UV_COMPILE_BYTECODE := 1
export TF_CPP_MIN_LOG_LEVEL := 3

# What each target is made from, as it follows from the code's imports and from the
# tables that phases declare (study/core/phases.py); Make reads it anew when code changed.
EDGES     := build/edges.mk
CLAIMED   := 91_anatomy_of_a_sharpe 92_published_claims
TEMPLATES := $(wildcard src/nse_lstm/reporting/templates/*)
$(EDGES): $(shell find src/nse_lstm -name '*.py') $(wildcard notebooks/*.ipynb)
	@PYTHONPATH=src $(firstword $(wildcard .venv/bin/python) $(PYTHON)) -m nse_lstm.study.tools.make_edges $@
include $(EDGES)

##@ Study
.PHONY: all reports train score replay monitor results fetch
all: reports  ## Everything: environment, market, models, reports (MARKET, RAW, TEST_YEAR, STUDY)
reports: $(REPORTS)/index.html
	@echo "Up to date: open $(REPORTS)/index.html"
train: $(BUILD)/03_full_training.ipynb  ## Phases 1 to 3: the trained models
# Today's data enter by Phase 1. The models in use were chosen when Phase 5 last ran.
TODAY := $(if $(wildcard $(BUILD)/05_deployment.ipynb),$(BUILD)/01_data_analysis.ipynb,not-built)
BUILT := $(if $(filter not-built,$(TODAY)),not-built)
.PHONY: not-built daily
not-built:
	@echo "Market $(MARKET) has no finished study in $(if $(filter .,$(ROOT)),this project,$(ROOT)), and nothing" \
	  "was built. Build it first, a quarter of an hour or more: make all MARKET=$(MARKET)$(if $(RAW), RAW=$(RAW))" >&2; exit 1
daily: $(BUILT)  ## Every day after the close: score, then monitor; fails if either does (MARKET, RAW, AS_OF)
	@scored="forecasts stored"; watched="no alarm"; code=0; \
	  $(MAKE) score || { scored="scoring FAILED"; code=1; }; \
	  $(MAKE) monitor || { watched="monitor raised an ALARM or failed"; code=1; }; \
	  echo "Daily run of $(MARKET): $$scored, $$watched"; exit $$code
score: $(TODAY)  ## Append the next session's forecasts to the store (AS_OF=2024-12-31)
	$(NSE_LSTM) score $(IDENTITY) --as-of "$(AS_OF)"
replay: $(BUILD)/05_deployment.ipynb  ## A year day by day: score, realise, test, alarm, promote (YEAR=2022)
	$(NSE_LSTM) replay --year $(YEAR) $(IDENTITY)
monitor: $(TODAY)  ## Monitor the stored forecasts and their inputs; fails on an alarm (AS_OF)
	$(NSE_LSTM) monitor $(IDENTITY) --as-of "$(AS_OF)"
fetch: | $(ENVIRONMENT)  ## Download the public files of 2007-2023 to data/raw/nse (YEARS=2007-2025: these)
	$(NSE_LSTM) fetch --folder "$(ROOT)/data/raw/nse" --years "$(YEARS)"
results: reports  ## Write docs/results/<market>-<test year>.md: statistics, to be committed
	$(NSE_LSTM) results $(IDENTITY)

.PHONY: serve
serve: $(SERVICE)  ## Serve forecasts over HTTP on this machine (HOST, PORT); docs/service.md
	.venv-service/bin/nse-lstm serve $(IDENTITY) --host $(HOST) --port $(PORT)

.PHONY: audit audit-power calibrate
audit: $(BUILD)/03_full_training.ipynb  ## Audit for leaks: small market and this one's own files; minutes
	$(NSE_LSTM) audit --full $(IDENTITY)
audit-power: $(ENVIRONMENT)  ## Inject known defects: which does the audit catch? Writes docs/audit_power.md; an hour
	.venv/bin/pytest -q -m audit_power tests/audit_power
calibrate: | $(ENVIRONMENT)  ## False-positive rate and power of verdict and claims on simulated markets; two hours
	$(NSE_LSTM) calibrate $(IDENTITY)
	$(NSE_LSTM) calibrate --claims $(IDENTITY)

.PHONY: ablation search
ablation: $(BUILD)/01_data_analysis.ipynb  ## Each change of v2 alone and removed; a quarter of an hour
	$(NSE_LSTM) ablation $(IDENTITY)
search: $(BUILD)/01_data_analysis.ipynb  ## Try settings before the walk-forward years; prints the best (SEARCHED=rank_lstm)
	$(NSE_LSTM) search $(IDENTITY) --forecaster "$(SEARCHED)"

.PHONY: study
study: | $(ENVIRONMENT)  ## The whole study: six walk-forward years, three networks of rank_lstm; under two hours, resumes
	$(MAKE) reports STUDY=study.full.toml

.PHONY: quick verify
quick: | $(ENVIRONMENT)  ## The same study on fewer stocks, sessions and epochs, in build/quick
	$(Q)$(MAKE) reports ROOT=build/quick $(QUICK)
verify: quick  ## Build the quick study again, under other settings of the user's, and compare every artefact
	rm -rf build/verify build/hostile_home
	$(NSE_LSTM) copy-ledger build/quick build/verify --market $(MARKET)
	eval env $$($(NSE_LSTM) hostile-home build/hostile_home) $(MAKE) reports ROOT=build/verify $(QUICK)
	$(NSE_LSTM) verify build/quick build/verify

# Files that no import tells of; all other prerequisites are in $(EDGES). The stamp knows
# the source files by their bytes, so that no name or date of theirs reaches Make.
$(BUILD)/01_data_analysis.ipynb: $(BUILD)/raw.txt
$(BUILD)/02_architecture.ipynb:  $(wildcard $(ROOT)/trained_models/$(MARKET)/ablation/about.json)

# The small leak audit: an alarm stops the build; its result stays to be read.
$(BUILD)/audited.txt:
	@echo "Leak audit: does any number change with data that came later?"
	$(Q)$(NSE_LSTM) audit $(IDENTITY)
	$(Q)touch $@

# Papermill writes aside; a run takes the target's name only on success.
$(BUILD)/%.ipynb: notebooks/%.ipynb $(STAMP)
	$(Q)$(NSE_LSTM) execute $< $@ $(IDENTITY) $(if $(V),--verbose)

# Phase 4 writes the verdict, which stands first on every page.
$(REPORTS)/%.html: $(BUILD)/%.ipynb $(BUILD)/04_validation.ipynb $(RENDERING) $(TEMPLATES)
	$(Q)$(NSE_LSTM) render $< $@ --verdict $(VERDICT)

# Which stocks have a page is known after Phase 1 only; the list stands for them all.
$(BUILD)/stocks.txt: notebooks/90_stock.ipynb $(BUILD)/04_validation.ipynb $(TEMPLATES)
	@echo "Pages: one per recommended stock"
	$(Q)$(NSE_LSTM) stock-pages $< $@ $(IDENTITY)

$(REPORTS)/status.html: $(BUILD)/05_deployment.ipynb $(TEMPLATES)
	$(Q)$(NSE_LSTM) status $@ $(IDENTITY)

$(REPORTS)/index.html: $(PHASES:%=$(REPORTS)/%.html) $(CLAIMED:%=$(REPORTS)/%.html) $(REPORTS)/status.html $(BUILD)/stocks.txt
	$(Q)$(NSE_LSTM) index $@ $(IDENTITY)

# Rewritten only when the market, the test year, the study file, the raw files or the
# locked packages change.
$(STAMP): FORCE | $(ENVIRONMENT)
	@$(NSE_LSTM) stamp $@ $(IDENTITY)

# The simulated market is made on the spot; any other must be there.
$(BUILD)/raw.txt: $(STAMP)
	$(Q)$(NSE_LSTM) prepare-raw $@ $(IDENTITY)

.PHONY: FORCE
FORCE:

##@ Laboratory
.PHONY: lab
lab: | $(ENVIRONMENT)  ## JupyterLab with a starter notebook, laboratory/start.ipynb; edited modules are picked up
	@$(NSE_LSTM) starter laboratory/start.ipynb
	IPYTHONDIR="$(CURDIR)/.ipython" .venv/bin/jupyter lab --LabApp.default_url=/lab/tree/laboratory/start.ipynb $(LAB)

.PHONY: doctor
doctor: | $(ENVIRONMENT)  ## Check environment, data and artefacts, with advice
	$(NSE_LSTM) doctor $(IDENTITY)

##@ Code
COMPILE := .venv/uv/bin/uv pip compile -q --universal --python-version 3.11 --fork-strategy fewest \
  --generate-hashes --no-annotate --no-header

.PHONY: test test-pythons test-slow test-exhaustive mutation check-pages bench docs lint lock
test: $(ENVIRONMENT)  ## The tests: no training, under two minutes
	.venv/bin/pytest -q -n auto
test-pythons: $(ENVIRONMENT)  ## The same on Python 3.11, 3.12 and 3.13; says which could not be had
	.venv/bin/python tests/pythons.py
test-slow: $(ENVIRONMENT)  ## The tests that fit networks or execute notebooks
	.venv/bin/pytest -q -n auto --dist loadfile -m '(slow or notebook) and not exhaustive'
test-exhaustive: $(ENVIRONMENT)  ## Ten thousand damaged files and requests; minutes
	.venv/bin/pytest -q -s -m exhaustive
mutation: $(ENVIRONMENT)  ## Are wrong lines caught? 300 mutants against the tests; an hour (SEED=18: others)
	.venv/uv/bin/uv pip install -q -p .venv/bin/python --target build/mutation/tools cosmic-ray==8.7.0 coverage==7.17.5
	PYTHONPATH=tests .venv/bin/python -m mutation build/mutation/$(SEED) --seed $(SEED)
check-pages: $(ENVIRONMENT)  ## Every page in Chromium: requests, size, phone, accessibility (needs npm, chromium)
	npm ci --silent --prefix tests/browser
	NSE_LSTM_PAGES="$(REPORTS)" .venv/bin/pytest -q -n auto -m browser tests/browser
bench: $(ENVIRONMENT)  ## Training speed beside Keras and, if TORCH_PYTHON is set, PyTorch
	.venv/bin/python benchmarks/training.py
docs: $(ENVIRONMENT)  ## The documentation as pages, in build/docs; needs no network
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict
	@echo "Open build/docs/index.html"
lint: $(ENVIRONMENT)  ## Formatting, imports, types and the words of the prose; notebooks included
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/python tests/words.py
lock: $(ENVIRONMENT)  ## Resolve the locks anew from pyproject.toml
	$(COMPILE) --extra dev --extra serve --extra scale pyproject.toml -o requirements.lock
	$(COMPILE) --group pyproject.toml:service -c requirements.lock -o requirements-service.lock

# uv lives beside the environment because a sync removes what the lock does not hold.
$(ENVIRONMENT): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v < (3, 14) and \
	  f"Python 3.11, 3.12 or 3.13 is needed. Received: {sys.version.split()[0]}. Try make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(PYTHON) -m venv .venv/uv
	.venv/uv/bin/pip install -q --disable-pip-version-check 'uv>=0.9,<1'
	.venv/uv/bin/uv pip sync -q --require-hashes -p .venv/bin/python requirements.lock
	.venv/uv/bin/uv pip install -q --no-deps --no-build-isolation -p .venv/bin/python -e .
	touch $@

# The service's own: without TensorFlow, notebooks and tests.
$(SERVICE): requirements-service.lock | $(ENVIRONMENT)
	$(PYTHON) -m venv --without-pip .venv-service
	.venv/uv/bin/uv pip sync -q --require-hashes -p .venv-service/bin/python $<
	.venv/uv/bin/uv pip install -q --no-deps --no-build-isolation -p .venv-service/bin/python -e .
	touch $@

##@ Help
.PHONY: clean help
clean:  ## Remove build products; keeps the environment, ledgers, registry and store
	rm -rf build
	find data/raw/simulated data/oracle data/processed trained_models reports -mindepth 1 \
	  ! -name README.md ! -path 'trained_models/*/ledger*' ! -path 'trained_models/*/store*' ! -path 'trained_models/*/registry*' \
	  -type f -delete 2>/dev/null || true
	find data trained_models reports -mindepth 1 -type d -empty -delete
help:  ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "Variables, as in: make all MARKET=nse (or NSE_LSTM_MARKET=nse in the environment)"
	@awk '/^# [A-Z_]+=/ {split($$0, word, "="); name = substr(word[1], 3); \
	  printf "  %-15s %s\n", name, substr($$0, length(word[1]) + 2)}' Makefile
	@echo; echo "Every command: docs/commands.md"
