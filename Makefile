.PHONY: test lint e2e-container checkov

# Everything: installs what the tests need and cannot find, then runs them all.
test:
	scripts/python-venv
	scripts/check-rules
	scripts/check-manifests
	scripts/check-unit
	TAG_EXPORTER_PROMTOOL=$$(scripts/promtool) TAG_EXPORTER_PROMETHEUS="$$(scripts/prometheus)" \
		cargo test --locked -- --include-ignored

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
