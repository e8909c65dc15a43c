# Every target sets up .venv when that is needed; see run.py. Arguments: make compare ARGS="--help"
PYTHON ?= python3
RUN = $(PYTHON) run.py

.DEFAULT_GOAL := help
.PHONY: help compare report app test bench bench-peers benchmark paper paper-full docs check lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

compare:  ## compare the designs of the registered protocol; ARGS= for another study or folder
	@$(RUN) compare $(ARGS)

report:  ## report the amendment of the registered protocol into results/report; ARGS= for another study or folder
	@$(RUN) report --out results/report $(ARGS)

app:  ## serve the app on this machine, with the extra; ARGS= for another study or port
	@$(RUN) app $(ARGS)

test:  ## run the tests; ARGS= goes to pytest
	@$(RUN) test $(ARGS)

bench:  ## time the engine
	@OMP_NUM_THREADS=1 $(RUN) test benchmarks/speed/ --benchmark-only $(ARGS)

bench-peers:  ## time the R packages that are installed beside the same jobs here; ARGS="--share 0.1"
	@$(RUN) python benchmarks/speed/peers_here.py $(ARGS)

benchmark:  ## designs over shared scenarios, some minutes; ARGS="--workers 2"
	@$(RUN) python benchmarks/statistical/run.py $(ARGS)

paper:  ## recompute the exact results, draw the figures and set paper/build/main.pdf; ARGS="--out DIR"
	@OMP_NUM_THREADS=1 $(RUN) python paper/build.py $(ARGS)

paper-full:  ## the same, calibrations and simulation-based calibration recorded anew first
	@OMP_NUM_THREADS=1 $(RUN) python paper/build.py --full $(ARGS)

docs:  ## build the documentation into build/docs/html, offline; every command and cell in it is run
	@OMP_NUM_THREADS=1 $(RUN) python -m sphinx -q -W --keep-going -b html -d build/docs/doctrees docs build/docs/html $(ARGS)

check:  ## lint, format check, type check
	@$(RUN) check

lock:  ## bring requirements.lock up to date with pyproject.toml (needs uv); ARGS=--upgrade renews all pins
	PATH=".venv/bin:$$PATH" uv pip compile --generate-hashes --universal --python-version 3.12 --no-annotate \
	    --no-header $(ARGS) --extra dev --extra app --extra docs pyproject.toml -o requirements.lock

clean:  ## remove .venv, caches and build products; keep results/
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks build dist paper/build docs/generated
	find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
