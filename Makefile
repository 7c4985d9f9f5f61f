# What people type. Everything here is one cargo command; `scripts/setup` runs first and is instant
# when there is nothing to do.

PLAY := cargo run -q --locked -p guestlist-harness --bin guestlist -- test tests/scenarios

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all soak hostile mutants bench lint check-reference

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## Check the compilers and install what is missing
	@scripts/setup

demo: setup ## Walk through an invitation on a host in memory
	cargo run -q -p guestlist-harness --bin guestlist -- demo

test: setup check-reference ## Run all tests, and play all scenarios
	cargo test --workspace --locked
	$(PLAY) --coverage-min reasons=100,transitions=100,errors=100

test-all: test ## The same, and fail every host call of every scenario in every way
	$(PLAY) --faults

soak: setup ## Play random histories in the sandbox; TIME=10m (1m), SEED=7, FORMAT=json
	@TIME=$(TIME) SEED=$(SEED) FORMAT=$(FORMAT) cargo run -q --locked -p guestlist-model --bin soak

hostile: setup ## Attack with plugins and policies that mean harm; N=20 runs of each (1000), FORMAT=json
	@cargo run -q --locked -p guestlist-hostile --bin hostile -- --runs $(or $(N),1000) --format $(or $(FORMAT),text)

mutants: setup ## Change the plugin in every small way: each time a test has to fail (hours)
	@scripts/mutants

bench: setup ## Measure the plugin
	cargo bench --locked --bench plugin

lint: setup ## Check format and lints
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

check-reference: ## Compare the page about the reference with the scenarios
	@scripts/check-reference
