# What people type. Everything here is one cargo command; `scripts/setup` runs first and is instant
# when there is nothing to do.

GUESTLIST := cargo run -q --locked --bin guestlist --
PLAY := $(GUESTLIST) test tests/scenarios
LANGUAGES := rust javascript python
BENCH := $(or $(CARGO_TARGET_DIR),target)/bench
POLICIES := help-desk partner-domains group-quota

.DEFAULT_GOAL := help
.PHONY: help serve setup setup-languages setup-issuers setup-keycloak setup-postgres demo test test-all soak hostile race pairs crash mutants bench bench-storage bench-worlds lint
.PHONY: build-tests check-reference test-more
.PHONY: policies $(POLICIES:%=build-%) $(POLICIES:%=test-%)

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## Check the compilers and install what is missing
	@scripts/setup

setup-languages: ## Check Node.js and Python, and install what is missing
	@scripts/setup-languages

setup-issuers: setup-languages ## Install the issuer of tokens that tests talk to
	@scripts/setup-issuers

setup-keycloak: ## Check Java, and fetch the Keycloak that tests talk to
	@scripts/setup-keycloak

setup-postgres: ## Check PostgreSQL's programs and install what is missing
	@scripts/setup-postgres

serve: setup ## Run a server to look at, with a sample world and a mailbox of files
	cargo run -q --locked --bin guestlist -- serve --dev

demo: setup ## Walk through an invitation on a host in memory
	cargo run -q --locked --bin guestlist -- demo

test: setup check-reference ## Run all tests, and play all scenarios
	cargo test --workspace --locked
	$(PLAY) --coverage-min reasons=100,transitions=100,errors=100
	@$(MAKE) test-help-desk

build-tests: setup ## Compile what the tests need
	cargo test --workspace --locked --no-run
	cargo test --locked --test languages --test issuers --test keycloak --test postgres --no-run

test-all: test test-more ## The same, fail every host call in every way, policies in all languages, real issuers

test-more: setup setup-languages setup-issuers setup-keycloak setup-postgres
	$(PLAY) --faults
	@$(MAKE) test-partner-domains test-group-quota
	cargo test --locked --test languages --test issuers --test keycloak --test postgres

policies: $(POLICIES:%=build-%) ## Build the examples of policies, in Rust, JavaScript and Python

build-help-desk: setup
build-partner-domains build-group-quota: setup setup-languages
$(POLICIES:%=build-%): build-%:
	$(GUESTLIST) policy build policies/$*

test-help-desk: unit = cargo test --quiet --locked
test-partner-domains: unit = node --test
test-group-quota: unit = python3 -m unittest
$(POLICIES:%=test-%): test-%: build-%
	cd policies/$* && $(unit)
	$(GUESTLIST) test policies/$*/scenarios --policy policies/$*/policy.wasm

soak: setup ## Play random histories in the sandbox; TIME=10m (1m), SEED=7, FORMAT=json
	@TIME=$(TIME) SEED=$(SEED) FORMAT=$(FORMAT) cargo run -q --locked --bin soak

hostile: setup ## Attack with plugins and policies that mean harm; N=20 runs of each (1000), FORMAT=json
	@cargo run -q --locked --bin hostile -- --runs $(or $(N),1000) --format $(or $(FORMAT),text)

TRIAL = --database $(or $(DATABASE),sqlite) --format $(or $(FORMAT),text)

race: setup ## Accept N=10000 codes from 8 processes at once; DATABASE=URL (sqlite), FORMAT=json
	@cargo run -q --locked --bin race -- --codes $(or $(N),10000) $(TRIAL)

pairs: setup ## Do every two operations at once, N=1000 times each; DATABASE, FORMAT as above
	@cargo run -q --locked --bin pairs -- --runs $(or $(N),1000) $(TRIAL)

crash: setup ## Kill a host N=1000 times in the middle of its work; DATABASE, FORMAT as above
	@cargo run -q --locked --bin crash -- --kills $(or $(N),1000) $(TRIAL)

mutants: setup ## Change the plugin in every small way: each time a test has to fail (hours)
	@scripts/mutants

bench: setup $(LANGUAGES:%=$(BENCH)/%/policy.wasm) ## Measure the plugin, and policies in all languages
	cargo bench --locked --bench plugin --bench policy

bench-storage: setup setup-postgres ## Measure the databases; DATABASE=sqlite or postgres, ONLY=speed, scale or lists
	@DATABASE=$(DATABASE) ONLY=$(ONLY) cargo bench --locked --bench storage

bench-worlds: setup setup-postgres ## Measure worlds of 500,000 people; DATABASE as above
	@DATABASE=$(DATABASE) cargo bench --locked --bench worlds

$(BENCH)/%/policy.wasm: | setup-languages
	@rm -rf $(BENCH)/$*
	$(GUESTLIST) policy new --language $* $(BENCH)/$*
	$(GUESTLIST) policy build $(BENCH)/$*

lint: setup ## Check format and lints
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --test languages --test issuers --test keycloak --test postgres --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --lib --no-deps --locked --quiet
	cargo fmt --manifest-path policies/help-desk/Cargo.toml -- --check
	cargo clippy --manifest-path policies/help-desk/Cargo.toml --all-targets --locked -- -D warnings

check-reference: ## Compare the page about the reference with the scenarios
	@scripts/check-reference
