.PHONY: test bench fuzz lint e2e-container e2e-kubernetes checkov

# Everything: installs what the tests need and cannot find, then runs them all.
test:
	scripts/python-venv
	scripts/check-rules
	scripts/check-manifests
	scripts/check-unit
	TAG_EXPORTER_PROMTOOL=$$(scripts/promtool) TAG_EXPORTER_PROMETHEUS="$$(scripts/prometheus)" \
		TAG_EXPORTER_CHROMIUM=$$(scripts/chromium) cargo test --workspace --locked -- --include-ignored

# Measures the exporter beside its peers. Takes some minutes, and wants the machine for itself.
bench:
	scripts/python-venv benches/peers/requirements.txt target/venv-bench
	BENCH_PYTHON=$$PWD/target/venv-bench/bin/python BENCH_DEBS=$$(scripts/debs bookworm nginx wrk libluajit-5.1-2 \
		prometheus-node-exporter) cargo bench --locked --bench peers

lint:
	cargo fmt --all --check
	cargo clippy --workspace --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --locked --no-deps --document-private-items

# Feeds each target of fuzz/ for FUZZ_SECONDS. Needs cargo-fuzz. What is looked for are panics, wrong answers and hangs:
# the exporter has one line of unsafe code, and without a sanitizer of memory a stable toolchain will do.
FUZZ_SECONDS = 600
FUZZ_TARGETS = request cursor accept cloud_answer configuration exposition
fuzz:
	for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/corpus/$$target; \
		cargo fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 || exit 1; \
	done

# Builds the image and runs it restricted, with a Docker engine of its own. Needs root.
e2e-container:
	scripts/e2e-container

# Applies the manifests and the chart to a Kubernetes of one node, which it builds the first time. Needs root.
e2e-kubernetes:
	scripts/e2e-kubernetes

# Has checkov judge what is deployed.
checkov:
	scripts/checkov
