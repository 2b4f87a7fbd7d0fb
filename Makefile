# What is done often. CI runs .ci/run; the README's two commands need none of this.

.PHONY: ci test lint openapi openapi-release contract contract-long clients demo bench resilience soak load fuzz security sbom

ci: ## Everything that CI checks
	.ci/run

test: ## All tests, on SQLite and on PostgreSQL
	cargo test --workspace

lint: ## Format and lints, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

openapi: ## Write openapi/eureka.json and docs/errors.md from the code
	cargo run --quiet -p eureka-server -- openapi > openapi/eureka.json.new
	mv openapi/eureka.json.new openapi/eureka.json
	cargo run --quiet -p eureka-server -- openapi --errors > docs/errors.md.new
	mv docs/errors.md.new docs/errors.md

openapi-release: ## Promise what openapi/eureka.json has; refused where it breaks what was promised, unless BREAKING=yes
	test "$(BREAKING)" = yes || cargo test -p eureka-api --test openapi promised::
	cp openapi/eureka.json openapi/released.json

contract: ## Lints, generated clients, the examples of docs/integrating.md, two minutes of schemathesis
	openapi/contract/run all

contract-long: ## The same, with half an hour of schemathesis
	openapi/contract/run all 1800

clients: ## Three generated clients play the story against a live server
	openapi/contract/run clients

demo: ## The product on loopback, with its own tips and a cast to log in as
	cargo run --release -- demo

fuzz: ## Random inputs for a minute at each door (EUREKA_FUZZ_MS: longer); what fails says how to have it again
	BOLERO_RANDOM_ITERATIONS=1000000000 BOLERO_RANDOM_TEST_TIME_MS=$${EUREKA_FUZZ_MS:-60000} \
		cargo test -p eureka-search -p eureka-service -p eureka-api --lib fuzz:: -- --nocapture

security: ## Advisories, licences, bans and sources of what is compiled in (cargo install --locked cargo-deny; needs a network)
	cargo deny --locked check

sbom: ## Write target/eureka.cdx.json: what is compiled into the binary, as CycloneDX 1.6
	mkdir -p target
	cargo run --quiet --locked -p eureka-testkit --example sbom > target/eureka.cdx.json

resilience: ## The long trials of docs/resiliency.md: kills, power cuts, damage, failing disks, clocks; as root, half an hour
	EUREKA_RESILIENCE=long cargo test -p eureka-server --test resilience -- --include-ignored --nocapture --test-threads 2

soak: ## Whether memory stays flat under mixed load, for an hour (EUREKA_SOAK_MINUTES: another time)
	cargo build --release -p eureka-server -p eureka-benches
	target/release/soak --binary target/release/eureka --minutes $${EUREKA_SOAK_MINUTES:-60}

load: ## Four times the load it can take, whether it is alive meanwhile, and how soon 100,000 tips are ready; some minutes
	cargo build --release -p eureka-server -p eureka-benches
	target/release/load --binary target/release/eureka --made-up 100000

bench: ## Tables with ratios to bare tantivy, the hello endpoint and the bare database; some minutes
	cargo build --release -p eureka-server -p eureka-benches
	target/release/report
	target/release/writers
	target/release/load --binary target/release/eureka
