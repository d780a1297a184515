.PHONY: test bench lint e2e-container checkov

# Everything: installs what the tests need and cannot find, then runs them all.
test:
	scripts/python-venv
	scripts/check-rules
	scripts/check-manifests
	scripts/check-unit
	TAG_EXPORTER_PROMTOOL=$$(scripts/promtool) TAG_EXPORTER_PROMETHEUS="$$(scripts/prometheus)" \
		cargo test --locked -- --include-ignored

# Measures the exporter beside its peers. Takes some minutes, and wants the machine for itself.
bench:
	scripts/python-venv benches/peers/requirements.txt target/venv-bench
	BENCH_PYTHON=$$PWD/target/venv-bench/bin/python BENCH_DEBS=$$(scripts/debs bookworm nginx wrk libluajit-5.1-2 \
		prometheus-node-exporter) cargo bench --locked --bench peers

lint:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

# Builds the image and runs it restricted, with a Docker engine of its own. Needs root.
e2e-container:
	scripts/e2e-container

# Has checkov judge what is deployed.
checkov:
	scripts/checkov
