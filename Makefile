# Everything starts here; each target does its own set-up.   make demo ARGS="--headless --minutes 1"
.DEFAULT_GOAL := help
.PHONY: help setup demo test torture lab check bench image lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv from the locked requirements, if it is not so already
	@tools/setup

demo: setup ## run a whole store on this machine and balance its books (ARGS="--headless --minutes 1")
	@.venv/bin/shelfwire demo $(ARGS)

test: setup ## run all tests but the slow ones (ARGS="-k frames")
	@tools/test $(ARGS)

torture: setup ## run the slow tests: hours of random trouble in minutes
	@tools/test -m torture $(ARGS)

lab: setup ## boot the built image in emulated machines: updates, power cuts, devices (IMAGE=build/x.img RECORD=1)
	@tools/lab $(ARGS)

check: setup ## ruff, mypy, pyright and import-linter
	@tools/check

bench: setup ## measure every published figure beside its floor
	@.venv/bin/python -m bench $(ARGS)

image: setup ## build the flashable image, as root (ARGS="--kind hub")
	@.venv/bin/shelfwire image build $(ARGS)

lock: setup ## pin all dependencies anew (UPGRADE=1: at their newest)
	@tools/lock

clean: ## remove .venv, .venv-peers and every cache
	@rm -rf .venv .venv-peers build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
