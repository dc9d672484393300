# `make` lists what there is. Everything runs in .venv, which is made from the locked pins and made
# again when they change; grading in .venv-course, which has nbgrader.

PORT = 8000
PINS = requirements.txt constraints.txt pyproject.toml
COURSE = .venv-course/bin/python -m course
IN = .venv/bin/python

export SOLUTIONS  # `make book SOLUTIONS=no` hides the worked solutions
unexport PYTHONOPTIMIZE  # the book's assertions always count

# The Python that makes .venv: the one named by PYTHON=..., else the first of these that was tried,
# else the first that is newer. Each is looked for once, when it is needed.
CANDIDATES = $(or $(PYTHON),python3 python3.15 python3.14 python3.13 python3.12 python3.11)
ask = $(shell "$(p)" -c 'import sys, venv, ensurepip; v = sys.version_info; sys.exit(not ($(1)))' >/dev/null 2>&1 && echo $(p))
first = $(firstword $(foreach p,$(CANDIDATES),$(call ask,$(1))))
TRIED = $(eval TRIED := $$(call first,(3, 11) <= v < (3, 16)))$(TRIED)
NEWER = $(eval NEWER := $$(call first,v >= (3, 16)))$(NEWER)
CHOSEN = $(or $(TRIED),$(NEWER))
FOUND = $(or $(strip $(foreach p,$(CANDIDATES),$(shell "$(p)" -c 'import sys; print("$(p) is", sys.version.split()[0])' 2>/dev/null))),none of $(CANDIDATES) runs)
REFUSE = $(error the book needs Python 3.11 or newer with its venv module, but $(FOUND); name one with `make PYTHON=python3.13 ...`)
WARN = $(if $(TRIED),,$(warning $(FOUND), newer than any Python that the book was tried on (3.11 to 3.15): on an error, name an older one with `make PYTHON=python3.13 ...`))

# An environment is made again also when the project was moved, when its Python has left the machine,
# or when PYTHON=... names another version than it has.
STALE = $(shell test ! -e $(1)/made || { test "$$(cat $(1)/made)" = "$$(pwd)" && test -x $(1)/bin/python && $(SAME); } || echo again)
SAME = $(if $(PYTHON),test "$$("$(PYTHON)" -c $(VERSION))" = "$$($(1)/bin/python -c $(VERSION))",true)
VERSION = 'import sys; print(sys.version_info[:2])'
# A link leads to another copy's environment, which making it anew would empty: it is put away.
UNLINK = @! test -L $(@D) || rm $(@D)

help:    ## this list
	@echo 'make <what>:'
	@sed -n 's/^\([a-z]*\):.*## */  \1	/p' Makefile | expand -t 16

book: .venv/made    ## build the website into _build/html
	.venv/bin/jupyter-book build . --warningiserror --keep-going
	@echo "The book: $$(pwd)/_build/html/index.html"

serve: book    ## build it and serve it on localhost (PORT=8000)
	$(IN) -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

pdf: book    ## the whole book as one PDF in _build/pdf (needs a Chromium)
	$(IN) -m tools.pdf

test: .venv/made .venv-course/made    ## run every notebook and every test, on the built site too
	$(IN) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder book course/source tests

check: lint    ## lint, unit tests, the structure of the book: no browser, under a minute
	$(IN) -m pytest -n auto --dist worksteal -m 'not browser and not long' tests/unit tests/book/test_book.py

lint: .venv/made    ## what ruff finds in the code, and whether it is formatted
	$(IN) -m ruff check
	$(IN) -m ruff format --check

notebooks: .venv/made    ## run all notebooks afresh, then clean them for committing
	$(IN) -m tools.notebooks --run

margins: .venv/made    ## print how far every claim stands from its bound, over ten fresh seeds
	$(IN) -m tools.margins

mutants: .venv/made    ## break optimlib one place at a time: who notices, chapters and tests (hours)
	$(IN) -m tools.mutants

versions: .venv/made    ## run everything on each Python, the oldest numpy and other BLAS kernels (half an hour)
	$(IN) -m tools.versions

newest: .venv/made    ## run everything on the newest versions of what is not pinned
	$(IN) -m tools.versions newest

links: .venv/made    ## ask every link to another site whether it still leads somewhere
	.venv/bin/jupyter-book build . --builder linkcheck --keep-going

bench: .venv/made    ## time optimlib against its floor and what frameworks are installed
	$(IN) -m tools.bench

records: .venv/made    ## run these four and put what they find on the page "How this book is checked" (hours)
	$(or $(wildcard .venv-parity/bin/python),$(IN)) -m tools.bench --write
	$(IN) -m tools.margins --write
	$(IN) -m tools.versions --write
	$(IN) -m tools.mutants --write
	$(IN) -m tools.report

report: .venv/made    ## write the tables of that page anew from what is on record
	$(IN) -m tools.report

parity: .venv-parity/made    ## hold the recordings against the real Keras, PyTorch and optax
	.venv-parity/bin/python -m pytest -o addopts= --confcutdir tests/parity tests/parity/test_frameworks.py

recordings: .venv/made    ## record anew the runs that are too long for a chapter
	$(IN) -m tools.record

assignments: .venv-course/made    ## the students' versions of all assignments anew, from their sources
	$(COURSE) assignments

assignment: .venv-course/made    ## a zip to hand out, and the solution without hidden tests (A=1)
	$(COURSE) assignment $(A)

autograder: .venv-course/made    ## graders for Gradescope and GitHub Classroom (A=1)
	$(COURSE) autograder $(A)

grade: .venv-course/made    ## marks and feedback for downloads (A=1 FROM=folder [TO=] [ROSTER=] [LATE=] [JOBS=] [SECONDS=] [SANDBOX=no])
	$(COURSE) grade $(A) "$(FROM)" $(if $(TO),--to "$(TO)") $(if $(ROSTER),--roster "$(ROSTER)") $(if $(LATE),--late $(LATE)) \
		$(if $(JOBS),--jobs $(JOBS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(filter no,$(SANDBOX)),--no-sandbox)

lock: .venv/made    ## write constraints.txt anew, keeping what still fits (UPGRADE=yes: the newest)
	$(IN) -m pip install --quiet --target _build/lock uv==0.13.9
	_build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
		$(if $(UPGRADE),--upgrade) --no-emit-package optimizers-step-by-step \
		--custom-compile-command 'make lock' --output-file constraints.txt requirements.txt

clean:    ## remove what was built, and .venv
	rm -rf _build .venv .venv-course .venv-parity .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/made: $(PINS) $(call STALE,.venv)
	$(if $(CHOSEN),$(WARN),$(REFUSE))
	@echo "Making .venv with $(CHOSEN) from the locked pins: about a minute"
	$(UNLINK)
	@"$(CHOSEN)" -m venv --clear .venv
	@$(IN) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt --constraint constraints.txt
	@echo ../../../.. | tee .venv/lib/python3*/site-packages/optimlib.pth >/dev/null  # in any folder and locale
	@pwd > $@

.venv-course/made: course/requirements.txt constraints.txt pyproject.toml $(call STALE,.venv-course)
	$(if $(CHOSEN),$(WARN),$(REFUSE))
	@echo "Making .venv-course with $(CHOSEN), for grading: about a minute"
	$(UNLINK)
	@"$(CHOSEN)" -m venv --clear .venv-course
	@.venv-course/bin/python -m pip install --quiet --disable-pip-version-check --requirement $< --constraint constraints.txt
	@echo ../../../.. | tee .venv-course/lib/python3*/site-packages/optimlib.pth >/dev/null
	@pwd > $@

.venv-parity/made: tests/parity/requirements.txt
	$(if $(CHOSEN),$(WARN),$(REFUSE))
	@echo "Making .venv-parity with $(CHOSEN): Keras, TensorFlow, PyTorch, JAX and optax, some minutes"
	$(UNLINK)
	@"$(CHOSEN)" -m venv --clear .venv-parity
	@.venv-parity/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

again:

.PHONY: help book serve pdf test check lint notebooks margins mutants versions newest links bench
.PHONY: records report parity recordings assignments assignment autograder grade lock clean again
.DELETE_ON_ERROR:
