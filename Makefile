# What is done often. CI runs .ci/run; the README's two commands need none of this.

.PHONY: ci test lint openapi demo bench resilience

ci: ## Everything that CI checks
	.ci/run

test: ## All tests, on SQLite and on PostgreSQL
	cargo test --workspace

lint: ## Format and lints, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

openapi: ## Write openapi/eureka.json from the code
	cargo run --quiet -p eureka-server -- openapi > openapi/eureka.json.new
	mv openapi/eureka.json.new openapi/eureka.json

demo: ## The product on loopback, with its own tips and a cast to log in as
	cargo run --release -- demo

resilience: ## The long trials of docs/resiliency.md: kills, power cuts, damage, failing disks, clocks; as root, some minutes
	EUREKA_RESILIENCE=long cargo test -p eureka-server --test resilience -- --nocapture --test-threads 2

bench: ## Tables with ratios to bare tantivy, the hello endpoint and the bare database; some minutes
	cargo build --release -p eureka-server -p eureka-benches
	target/release/report
	target/release/writers
	target/release/load --binary target/release/eureka
