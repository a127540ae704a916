# What one does with this project. Each target is a script in Scripts/, which says what it does and how long it takes.
.DEFAULT_GOAL := help
.PHONY: help demo test fuzz allocations bench bench-peers bench-rpc format generate setup check-import clean

help: ## says what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: ## starts a cluster on this machine, and lets alice, bob and carol use it
	@Scripts/demo.sh

test: ## checks everything: generated code, format, build, tests
	@Scripts/test.sh

fuzz: setup ## feeds what reads bytes from outside with mutated input, half a minute each (Scripts/fuzz.sh has options)
	@Scripts/fuzz.sh

allocations: setup ## builds the RPC layer's server for release, and counts a call's allocations
	@Scripts/allocations.sh

bench: ## builds for release and measures
	@Scripts/bench.sh

bench-peers: setup ## measures beside what one would use instead (ROOKERY_PEERS, ROOKERY_DATA)
	@Scripts/bench-peers.sh

bench-rpc: setup ## measures the RPC layer beside gRPC C++ (ROOKERY_PEERS) and bare SwiftNIO
	@Scripts/bench-rpc.sh

format: ## formats the Swift sources
	@Scripts/format.sh

generate: setup ## makes the C and Swift code from Protos/
	@Scripts/generate.sh

setup: ## installs the system packages that the build needs, if any is missing
	@Scripts/setup.sh

check-import: setup ## imports real data (ROOKERY_DATA) and compares every timeline with the files
	@Scripts/check-import.py

clean: ## removes what was built; a cluster's data stays
	@Scripts/clean.sh
