.PHONY: test soak bench fuzz lint advisories e2e-container e2e-kubernetes checkov

# Runs every test. Installs under target/ what the tests need and cannot find.
test:
	scripts/python-venv
	scripts/python-venv tests/python/products.txt target/venv-products
	scripts/check-rules
	scripts/check-manifests
	scripts/check-unit
	TAG_EXPORTER_PROMTOOL=$$(scripts/promtool) TAG_EXPORTER_PROMETHEUS="$$(scripts/prometheus)" \
		TAG_EXPORTER_CHROMIUM=$$(scripts/chromium) cargo test --workspace --locked -- --include-ignored

# Keeps an exporter under faults, reloads, slow and hostile readers, wrong passwords and changing certificates for
# SOAK_SECONDS. All traffic stays on 127.0.0.1.
SOAK_SECONDS = 3600
soak:
	SOAK_SECONDS=$(SOAK_SECONDS) cargo test --locked --release --test it -- --ignored --exact --nocapture \
		soak::nothing_stops_or_starves_it

# Benchmarks the exporter against its peers. Takes some minutes on an otherwise idle machine.
bench:
	scripts/python-venv benches/peers/requirements.txt target/venv-bench
	BENCH_PYTHON=$$PWD/target/venv-bench/bin/python BENCH_DEBS=$$(scripts/debs bookworm nginx wrk libluajit-5.1-2 \
		prometheus-node-exporter) cargo bench --locked --bench peers

# Formatting, clippy, documentation, layers, shell scripts, dependencies, and whether the fuzz targets still build.
lint:
	cargo fmt --all --check
	scripts/check-layers --self-test
	scripts/check-layers
	scripts/check-shell
	cargo clippy --workspace --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --locked --no-deps --document-private-items
	$$(scripts/cargo-deny) --workspace --locked check bans licenses sources
	cargo check --manifest-path fuzz/Cargo.toml --locked --target-dir target/fuzz

# Checks the dependencies against a local copy of the RustSec database. Fetches nothing, so it is not part of .ci/run.
advisories:
	$$(scripts/cargo-deny) --workspace --locked check --disable-fetch advisories

# Runs each fuzz target for FUZZ_SECONDS. Needs cargo-fuzz. It looks for panics, wrong answers and hangs: the exporter
# has one line of unsafe code, and without a memory sanitizer the stable toolchain is enough.
FUZZ_SECONDS = 600
FUZZ_TARGETS = request cursor accept cloud_answer configuration exposition
fuzz:
	for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/corpus/$$target; \
		cargo fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 || exit 1; \
	done

# Builds the image and runs it with restricted privileges, in a Docker engine of its own. Needs root.
e2e-container:
	scripts/e2e-container

# Deploys the manifests and the chart to a single-node Kubernetes, which it builds on the first run. Needs root.
e2e-kubernetes:
	scripts/e2e-kubernetes

# Runs checkov on the Dockerfile and the rendered manifests.
checkov:
	scripts/checkov
