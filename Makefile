# `make` lists what there is. Everything runs in .venv, which is made from the locked pins and made again when they change;
# grading in .venv-course, which has nbgrader.

PORT = 8000
PINS = requirements.txt constraints.txt pyproject.toml
BIN = .venv/bin/
COURSE = .venv-course/bin/python -m course
IN = $(BIN)python

export SOLUTIONS  # `make book SOLUTIONS=no` hides the worked solutions

# The Python that makes .venv: the one named by PYTHON=..., else the first of these that fits.
USABLE = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
CANDIDATES = $(or $(PYTHON),python3 python3.13 python3.12 python3.11)
CHOSEN = $(firstword $(foreach p,$(CANDIDATES),$(shell "$(p)" -c '$(USABLE)' >/dev/null 2>&1 && echo $(p))))
FOUND = $(or $(strip $(foreach p,$(CANDIDATES),$(shell "$(p)" -c 'import sys; print("$(p) is", sys.version.split()[0])' 2>/dev/null))),none of $(CANDIDATES) runs)
REFUSE = $(error the book needs Python 3.11, 3.12 or 3.13 with its venv module, but $(FOUND); name one with `make PYTHON=python3.12 ...`)

# An environment also has to be made again when the project was moved, when its Python has left the machine, or when PYTHON=... names
# another version than it has.
STALE = $(shell test ! -e $(1)/made || { grep -qxF '$(CURDIR)' $(1)/made && test -x $(1)/bin/python && $(SAME); } || echo again)
SAME = $(if $(PYTHON),test "$$("$(PYTHON)" -c $(VERSION))" = "$$($(1)/bin/python -c $(VERSION))",true)
VERSION = 'import sys; print(sys.version_info[:2])'

help:    ## this list
	@echo 'make <what>:'
	@sed -n 's/^\([a-z]*\):.*## */  \1	/p' $(MAKEFILE_LIST) | expand -t 16

book: .venv/made    ## build the website into _build/html
	$(BIN)jupyter-book build . --warningiserror --keep-going
	@echo 'The book: $(CURDIR)/_build/html/index.html'

serve: book    ## build it and serve it on localhost (PORT=8000)
	$(IN) tools/serve.py $(PORT)

pdf: book    ## the whole book as one PDF in _build/pdf (needs a Chromium)
	$(IN) tools/pdf.py

test: .venv/made .venv-course/made    ## run every notebook and every test, on the built site too
	$(IN) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder book course/source tests

notebooks: .venv/made    ## run all notebooks afresh, then clean them for committing
	$(IN) tools/notebooks.py --run

margins: .venv/made    ## print how far every claim stands from its bound, over ten fresh seeds
	$(IN) tools/margins.py

mutants: .venv/made    ## break optimlib one place at a time: who notices, chapters and tests (hours)
	$(IN) tools/mutants.py

versions: .venv/made    ## run everything on each Python, the oldest numpy and other BLAS kernels (half an hour)
	$(IN) tools/versions.py

newest: .venv/made    ## run everything on the newest versions of what is not pinned
	$(IN) tools/versions.py newest

links: .venv/made    ## ask every link to another site whether it still leads somewhere
	$(BIN)jupyter-book build . --builder linkcheck --keep-going

bench: .venv/made    ## time optimlib against its floor and what frameworks are installed
	$(IN) tools/bench.py

records: .venv/made    ## run these four and put what they find on the page "How this book is checked" (hours)
	PYTHONPATH=. $(or $(wildcard .venv-parity/bin/python),$(IN)) tools/bench.py --write
	$(IN) tools/margins.py --write
	$(IN) tools/versions.py --write
	$(IN) tools/mutants.py --write

parity: .venv-parity/made    ## hold the recordings against the real Keras, PyTorch and optax
	.venv-parity/bin/python -m pytest -o addopts= --confcutdir tests/parity tests/parity/test_frameworks.py

recordings: .venv/made    ## record anew the runs of chapter 8 that are too long for a chapter
	$(IN) tools/record.py

assignments: .venv-course/made    ## the students' versions of all assignments anew, from their sources
	$(COURSE) assignments

assignment: .venv-course/made    ## a zip to hand out, and the solution without hidden tests (A=1)
	$(COURSE) assignment $(A)

autograder: .venv-course/made    ## graders for Gradescope and GitHub Classroom (A=1)
	$(COURSE) autograder $(A)

grade: .venv-course/made    ## marks and feedback for downloads (A=1 FROM=folder [TO=] [ROSTER=] [LATE=] [JOBS=] [SECONDS=] [SANDBOX=no])
	$(COURSE) grade $(A) "$(FROM)" $(if $(TO),--to "$(TO)") $(if $(ROSTER),--roster "$(ROSTER)") $(if $(LATE),--late $(LATE)) \
		$(if $(JOBS),--jobs $(JOBS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(filter no,$(SANDBOX)),--no-sandbox)

lock: .venv/made    ## write constraints.txt anew from requirements.txt
	$(IN) -m pip install --quiet --target _build/lock uv==0.13.9
	_build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-annotate --no-emit-package optimlib \
		--custom-compile-command 'make lock' --output-file constraints.txt requirements.txt

clean:    ## remove what was built, and .venv
	rm -rf _build .venv .venv-course .venv-parity .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/made: $(PINS) $(call STALE,.venv)
	$(if $(CHOSEN),,$(REFUSE))
	@echo 'Making .venv with $(CHOSEN) from the locked pins: about a minute'
	@$(CHOSEN) -m venv --clear .venv
	@$(IN) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt --constraint constraints.txt
	@echo '$(CURDIR)' > $@

.venv-course/made: course/requirements.txt constraints.txt pyproject.toml $(call STALE,.venv-course)
	$(if $(CHOSEN),,$(REFUSE))
	@echo 'Making .venv-course with $(CHOSEN), for grading: about a minute'
	@$(CHOSEN) -m venv --clear .venv-course
	@.venv-course/bin/python -m pip install --quiet --disable-pip-version-check --requirement $< --constraint constraints.txt
	@echo '$(CURDIR)' > $@

.venv-parity/made: tests/parity/requirements.txt
	$(if $(CHOSEN),,$(REFUSE))
	@echo 'Making .venv-parity with $(CHOSEN): Keras, TensorFlow, PyTorch, JAX and optax, some minutes'
	@$(CHOSEN) -m venv --clear .venv-parity
	@.venv-parity/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

again:

.PHONY: help book serve pdf test notebooks assignments assignment autograder grade recordings margins mutants versions newest links bench records parity lock clean again
.DELETE_ON_ERROR:
