# What people type. Everything here is one cargo command; `scripts/setup` runs first and is instant
# when there is nothing to do.

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak mutants bench lint check-reference

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## Check the compilers and install what is missing
	@scripts/setup

demo: setup ## Walk through an invitation on a host in memory
	cargo run -q -p guestlist-harness --bin guestlist -- demo

test: setup ## Run all tests
	cargo test --workspace --locked

soak: setup ## Play random histories in the sandbox; TIME=10m (1m), SEED=7, FORMAT=json
	@TIME=$(TIME) SEED=$(SEED) FORMAT=$(FORMAT) cargo run -q --locked -p guestlist-model --bin soak

mutants: setup ## Change the plugin in every small way: each time a test has to fail (hours)
	@scripts/mutants

bench: setup ## Measure the plugin
	cargo bench --locked --bench plugin

lint: setup ## Check format and lints
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

check-reference: ## Compare the page about the reference with the scenarios
	@scripts/check-reference
