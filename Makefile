.PHONY: test lint

# Everything: installs what the tests need and cannot find, then runs them all.
test:
	scripts/python-venv
	scripts/check-rules
	TAG_EXPORTER_PROMTOOL=$$(scripts/promtool) TAG_EXPORTER_PROMETHEUS="$$(scripts/prometheus)" \
		cargo test --locked -- --include-ignored

lint:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
