# The two commands of this project are `make run` and `make test`. The rest helps.
# Everything is installed in $(VENV) from hash-pinned locks; a stamp file makes the second call instant.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
VIA_HOME ?= .via
VIA_DATA ?= data
PORT ?= 3000
JOBS ?= 2
MINUTES ?= 2
# One process more than the two processors that it is made for: some wait for a child or for the disk.
PYTEST ?= --quiet --numprocesses 3 --dist loadgroup --no-loadscope-reorder
BIN := $(VENV)/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install --quiet --python $(BIN)/python --compile-bytecode

# Hashes for every platform and Python from 3.11; no registry host is named.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

export VIA_HOME VIA_DATA
# Nothing reports home: not Dagster (dagster.yaml), not dg (pyproject.toml), not Great Expectations.
export GX_ANALYTICS_ENABLED := False

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 25

.PHONY: install
install: $(VENV)/.run ## the environment alone

.PHONY: run
run: $(VENV)/.run ## take in the sample deliveries, run the nightly refresh, emit the letter
	@$(BIN)/via run

.PHONY: test
test: $(VENV)/.dev $(VENV)/.compat $(VENV)/.pdf ## all tests, in three processes (PYTEST=... for other arguments)
	@$(BIN)/python -m pytest $(PYTEST)

.PHONY: ui
ui: $(VENV)/.run ## Dagster's UI on localhost (PORT=3000), with schedule and sensors
	@$(BIN)/via ui --port $(PORT)

.PHONY: lint
lint: $(VENV)/.dev ## style and security (ruff; its S rules are bandit's), types (mypy), definitions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/dg check defs

.PHONY: docs
docs: $(VENV)/.dev ## the documentation as a site in build/site, without a warning
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict # not --quiet: with it no warning counts
	@echo "build/site/index.html"

.PHONY: tutorial
tutorial: ## docs/tutorial.md followed word for word in a fresh clone (some minutes)
	@$(PYTHON) docs/follow_tutorial.py

.PHONY: truth
truth: $(VENV)/.dev ## do the estimators find what was planted? bias, coverage, false positives (minutes)
	@$(BIN)/python benchmarks/truth.py --jobs $(JOBS)

.PHONY: bench
bench: $(VENV)/.dev build/bench/.peers ## a night beside bare DuckDB, pandas + GX, Polars, dbt (ROWS="1e5 1e6 1e7"; an hour or more)
	@$(BIN)/python -m benchmarks.refresh $(ROWS)

.PHONY: bench-disclosure
bench-disclosure: $(VENV)/.dev ## what disclosure control hides and takes, beside tau-ARGUS (minutes)
	@$(BIN)/python benchmarks/disclosure.py $(SIZES)

.PHONY: bench-diversity
bench-diversity: $(VENV)/.run ## cultural diversity at national scale: 1 and 10 million jobs (minutes, some GB of disk)
	@$(BIN)/python benchmarks/diversity.py

.PHONY: spark
spark: $(VENV)/.spark ## a Spark cluster of two workers here: same figures, same verdicts as DuckDB, one worker killed (Java 17)
	@$(BIN)/python -m pytest --quiet -p no:cacheprovider via_pipeline_tests/engine
	@$(BIN)/python -m beyond.cluster $(SPARK)

.PHONY: bench-spark
bench-spark: $(VENV)/.spark ## DuckDB beside that cluster at growing sizes (ROWS="1e5 1e6 1e7"; an hour)
	@$(BIN)/python -m beyond.crossover $(ROWS)

.PHONY: attack
attack: $(VENV)/.dev ## try to find people in all that was published; fails when it does (minutes)
	@$(BIN)/python -m attack --home "$(VIA_HOME)" --releases "$${VIA_RELEASES:-$(VIA_DATA)/uitgaven}"
	@$(BIN)/python -m pytest --quiet -p no:cacheprovider via_pipeline_tests/privacy/test_canaries.py

.PHONY: faults
faults: $(VENV)/.dev ## kill a nightly run at sixty points; each time readers and the next run must be right (minutes)
	@$(BIN)/python -m faults.kill $(FAULTS)

.PHONY: readers
readers: $(VENV)/.dev ## twenty readers during twenty refreshes, two runs at once, a run beside a publication (minutes)
	@$(BIN)/python -m faults.readers $(READERS)

.PHONY: trouble
trouble: $(VENV)/.dev ## a full disk, a lost key, a damaged table ...: the message, and the one command after it (minutes)
	@$(BIN)/python -m faults.trouble

.PHONY: s3
s3: $(VENV)/.dev ## a whole night in a bucket of a real S3 server (Debian's radosgw, else moto), beside one on a disk (minutes)
	@$(BIN)/python -m faults.object_storage $(S3)

.PHONY: fuzz
fuzz: $(VENV)/.dev $(VENV)/.fuzz ## hostile files against every reader: by chance, then by what they reach (MINUTES=2 each)
	@$(BIN)/python -m faults.fuzz --minutes $(MINUTES) $(FUZZ)
	@$(BIN)/python -m faults.guided --minutes $(MINUTES)

.PHONY: compat
compat: $(VENV)/.run $(VENV)/.compat ## the BI file read by DuckDB 1.0.0 to 2.0.1, by Superset's driver, by Node: all agree
	@$(BIN)/python compat/matrix.py "$(VIA_HOME)/serve/latest/via.duckdb" $(VENV)/compat

.PHONY: superset
superset: $(VENV)/.run ## a real Superset in build/ (half a GB): imports the starter dashboard, asks every chart
	@rm -rf build/superset-home && mkdir -p build/superset-home
	@test -x build/superset/bin/python || $(UV) venv --quiet --python $(BIN)/python build/superset
	@$(UV) pip install --quiet --python build/superset/bin/python --require-hashes -r requirements/superset.txt
	@$(BIN)/via serve kit build/kit
	@export SUPERSET_HOME=$(CURDIR)/build/superset-home SUPERSET_CONFIG_PATH=$(CURDIR)/compat/superset_config.py FLASK_APP=superset; \
		build/superset/bin/superset db upgrade >build/superset.log 2>&1 \
		&& build/superset/bin/superset fab create-admin --username admin --firstname A --lastname B --email a@example.org --password admin >>build/superset.log 2>&1 \
		&& build/superset/bin/python compat/superset_try.py build/kit/superset/via.zip 2>>build/superset.log

.PHONY: screenshots
screenshots: $(VENV)/.dev ## docs/img/*.png of the sample run, in Debian's chromium
	@$(BIN)/python docs/make_screenshots.py

.PHONY: rehearsal
rehearsal: $(VENV)/.rehearsal ## image, compose file, proxy and a night in containers (root, Debian's podman; 15 minutes)
	@$(BIN)/python deploy/rehearse.py $(REHEARSAL)

.PHONY: workers
workers: $(VENV)/.dev ## a night shared by two workers over RabbitMQ and PostgreSQL, one killed (Debian's servers; 10 minutes)
	@$(BIN)/python -m deploy.workers.rehearse

.PHONY: sbom
sbom: $(VENV)/.audit ## what is inside, as a CycloneDX bill of materials in build/sbom.json
	@mkdir -p build
	@$(BIN)/python -W ignore -m cyclonedx_py requirements requirements/production.txt --pyproject pyproject.toml \
		--output-reproducible --output-format JSON --output-file build/sbom.json
	@echo "build/sbom.json"

.PHONY: licences
licences: $(VENV)/.audit ## docs/licences.md: the licence of everything that is inside
	@$(BIN)/python docs/make_licences.py

.PHONY: lock
lock: $(VENV)/.uv ## compile requirements/*.txt again after a change of pyproject.toml
	@$(COMPILE) pyproject.toml -o requirements/run.txt >/dev/null
	@$(COMPILE) pyproject.toml --extra postgres --extra workers --extra s3 -c requirements/run.txt -o requirements/production.txt >/dev/null
	@$(COMPILE) pyproject.toml --extra postgres --extra workers --extra s3 --group dev -c requirements/run.txt -o requirements/dev.txt >/dev/null
	@$(COMPILE) pyproject.toml --extra spark -c requirements/dev.txt -o requirements/spark.txt >/dev/null
	@$(COMPILE) --group fuzz -c requirements/dev.txt -o requirements/fuzz.txt >/dev/null
	@$(COMPILE) --group rehearsal -c requirements/dev.txt -o requirements/rehearsal.txt >/dev/null
	@$(COMPILE) --group audit -c requirements/dev.txt -o requirements/audit.txt >/dev/null
	@$(COMPILE) -c requirements/run.txt requirements/bench/frames.in -o requirements/bench/frames.txt >/dev/null
	@for list in requirements/bench/dbt.in requirements/superset.in requirements/pdf.in requirements/compat/*.in; do $(COMPILE) $$list -o $${list%.in}.txt >/dev/null; done
	@cd compat/node && npm install --package-lock-only --omit-lockfile-registry-resolved --silent --no-fund --no-audit

.PHONY: clean
clean: ## remove what runs made ($(VIA_HOME)) and caches; the environment and data/ stay
	@rm -rf -- "$(VIA_HOME)" build .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info
	@find via_pipeline via_pipeline_tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment -------------------------------------------------------------------------

$(VENV)/.venv:
	@command -v $(PYTHON) >/dev/null || { echo "make: '$(PYTHON)' is not installed; this project needs Python 3.11 or newer (Debian: apt install python3 python3-venv)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $$($(PYTHON) -V) is too old; this project needs Python 3.11 or newer. Name one: make PYTHON=python3.11 run" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: Python's venv module is missing (Debian: apt install python3-venv)." >&2; exit 1; }
	@test -x $(BIN)/python || { echo "Making the environment in $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@touch $@

$(VENV)/.uv: requirements/uv.txt $(VENV)/.venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.run: requirements/run.txt pyproject.toml $(VENV)/.uv
	@echo "Installing the locked packages (once, some minutes on a slow line) ..."
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing the locked packages for tests ..."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

# The peers of `make bench`, each in an environment of its own below build/: nothing of them lands here.
# The mark lies there too: `make clean` takes both away.
build/bench/.peers: $(wildcard requirements/bench/*.txt) $(VENV)/.uv
	@echo "Installing what the benchmark is held against ..."
	@for list in requirements/bench/*.txt; do \
		place=build/bench/$$(basename $$list .txt); \
		$(UV) venv --quiet --clear --python $(BIN)/python $$place; \
		$(UV) pip install --quiet --python $$place/bin/python --compile-bytecode --require-hashes -r $$list; \
	done
	@touch $@

# Readers of the BI file, each apart. One without a wheel for this Python, or without Node, is left out;
# the tests and `make compat` say which.
$(VENV)/.compat: $(wildcard requirements/compat/*.txt) compat/node/package-lock.json $(VENV)/.uv
	@echo "Installing the readers that the BI file is tried with ..."
	@rm -rf $(VENV)/compat && mkdir -p $(VENV)/compat/node
	@for list in requirements/compat/*.txt; do \
		name=$$(basename $$list .txt); \
		$(UV) pip install --quiet --python $(BIN)/python --target $(VENV)/compat/$$name --require-hashes --only-binary :all: -r $$list \
			|| { echo "make: $$name cannot be installed here and is left out" >&2; rm -rf $(VENV)/compat/$$name; }; \
	done
	@cp compat/node/package*.json $(VENV)/compat/node/
	@{ command -v npm >/dev/null && cd $(VENV)/compat/node && npm ci --silent --no-fund --no-audit; } \
		|| { echo "make: no npm, or it could not install; the reader by Node is left out" >&2; rm -rf $(VENV)/compat/node; }
	@touch $@

# A checker of PDF/UA, apart: see requirements/pdf.in. Without a wheel for this Python its test says so.
$(VENV)/.pdf: requirements/pdf.txt $(VENV)/.uv
	@rm -rf $(VENV)/pdf
	@$(UV) pip install --quiet --python $(BIN)/python --target $(VENV)/pdf --require-hashes --only-binary :all: -r $< \
		|| { echo "make: the PDF checker cannot be installed here and is left out" >&2; rm -rf $(VENV)/pdf; }
	@touch $@

# atheris has wheels for some Pythons only; `make fuzz` says so where there is none.
$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.dev
	@$(INSTALL) --require-hashes --only-binary :all: -r requirements/fuzz.txt \
		|| echo "make: no atheris for $$($(PYTHON) -V) here; 'make fuzz' tries seeded files only" >&2
	@touch $@

# pyspark is one source distribution of 0.4 GB: built here once, a minute or two.
$(VENV)/.spark: requirements/spark.txt $(VENV)/.dev
	@echo "Installing Spark (half a GB on disk) ..."
	@$(INSTALL) --require-hashes --no-build-isolation -r requirements/spark.txt
	@touch $@

$(VENV)/.rehearsal: requirements/rehearsal.txt $(VENV)/.dev
	@$(INSTALL) --require-hashes -r requirements/rehearsal.txt
	@touch $@

$(VENV)/.audit: requirements/audit.txt $(VENV)/.dev
	@$(INSTALL) --require-hashes -r requirements/audit.txt
	@touch $@
