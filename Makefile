# What one does often, one line of real work each. `make` alone lists the targets.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help run test check unit postgres e2e kubectl conformance mutants soak bench controlplane setup build fmt gallery

help: ## lists the targets
	@grep -E '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: setup ## builds what is needed and serves the portal on its demo clusters at http://127.0.0.1:3000
	@scripts/build
	@scripts/run --demo --demo-kubeconfig target/demo.kubeconfig

test: ## all tests; what this machine lacks is reported by name as not run
	@scripts/test

setup: ## installs the pinned tools of the build that are missing
	@scripts/setup

build: setup ## the release binary and the site
	@scripts/build

check: ## formatting, lints with warnings denied, and the walls between the crates
	@scripts/check

unit: ## the Rust tests
	@scripts/unit

postgres: ## the engine's stories on a PostgreSQL of their own
	@scripts/stories

e2e: build ## the browser's journeys in Chromium (end2end/)
	@scripts/e2e

controlplane: ## builds and starts a real Kubernetes control plane, until ctrl-c
	@end2end/controlplane/controlplane run

kubectl: build ## status, history and undo on a real control plane, against the real kubectl
	@end2end/controlplane/controlplane build && node end2end/cluster/kubectl/main.mjs

conformance: ## what the simulated cluster must do as a real control plane does, on a real one
	@scripts/conformance

mutants: ## breaks the simulated cluster in several ways, and sees the conformance suite find each
	@scripts/mutants

soak: ## kills a portal in ten thousand promotions, and counts what was written
	CRASH_ROUNDS=770 cargo test --profile soak -p server --test crash -- --nocapture

bench: build ## speed, bytes and memory, as ratios to a baseline in the same run
	@node end2end/bench/bench.mjs

fmt: ## formats all code
	@cargo fmt --all

gallery: ## every page and state as static HTML with made-up data, in target/gallery
	@cargo run -q -p app --example gallery --features ssr
