# What there is to make; "make" alone prints it.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 10s
BENCH    ?= .
COUNT    ?= 1
SIZE     ?= 700
RUNS     ?= 5
PYTHON   ?= python3

BIN  := .tools/bin
VENV := .tools/venv
GOTOOLS := golangci-lint govulncheck gofumpt benchstat
GATEWAY := $(BIN)/versitygw

# All is built and checked without cgo; only the race detector needs it, and so
# a C compiler.
export CGO_ENABLED := 0
HAVE_CC := $(shell command -v "$$(go env CC)" >/dev/null 2>&1 && echo yes)
ifeq ($(HAVE_CC),yes)
TEST := CGO_ENABLED=1 go test -race -timeout 20m
else
TEST := go test -timeout 30m
endif

##@ Build

# The client of Google Cloud Storage brings grpc along, and the page on which grpc shows
# its traces brings templates, for which the linker keeps every method of every client of
# AWS: 125 MB and not 53.
.PHONY: build
build: ## build bin/holdfast
	go build -tags grpcnotrace -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/holdfast ./cmd/holdfast

.PHONY: demo
demo: build ## run the demonstration on a simulated AWS, on this machine
	bin/holdfast demo

##@ Test

.PHONY: test
test: outside ## run all tests once, with the race detector where there is a C compiler
ifneq ($(HAVE_CC),yes)
	@echo '!!! NO C COMPILER: the tests run WITHOUT the race detector' >&2
endif
ifeq ($(HAVE_CC),yes)
	$(TEST) $$(go list ./... | grep -vE '/internal/(rdb|redisbench)$$')
	@echo 'What reads every damaged file, and what measures memory, goes without the race detector:'
	go test -timeout 20m ./internal/rdb ./internal/redisbench
	@echo 'The race detector makes the longest tests stop early; here they are whole:'
	go test -count=1 -timeout 30m -run '^(TestChaos|TestYear|TestRedshiftMonth|TestCopiesMonth|TestCopiesThatDoNotFit|TestCopiesSurviveEveryCall|TestCopiesInChaos|TestRestoreEveryCall.*|TestRetireEveryCall)$$' ./internal/engine
else
	$(TEST) ./...
endif

.PHONY: bench
bench: ## run the benchmarks; results to bench.txt too (BENCH=regexp COUNT=n)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./... | tee bench.txt

.PHONY: bench-redis
bench-redis: ## hold snapshots and proofs of Redis against its own tools; to bench-redis.txt too (SIZE=700 MB RUNS=5)
	go test -count=1 -timeout 2h -v -run '^TestBench$$' ./internal/redisbench -args -size $(SIZE) -runs $(RUNS) -to '$(CURDIR)/bench-redis.txt'

.PHONY: benchcmp
benchcmp: $(BIN)/benchstat ## compare bench.old.txt with bench.txt
	$(BIN)/benchstat bench.old.txt bench.txt

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (10s)
	@{ grep -rlE '^func Fuzz' --include='*_test.go' --exclude-dir=.tools . || true; } | sed 's|/[^/]*$$||' | sort -u | \
	while read -r dir; do \
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$dir"/*_test.go | cut -d' ' -f2 | sort -u); do \
	    echo "== $$dir $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 0 "$$dir" </dev/null; \
	  done; \
	done

##@ Check

.PHONY: check
check: fmt-check tidy-check vet lint test vuln ## all that a change must pass

.PHONY: fmt
fmt: $(BIN)/golangci-lint ## format the code
	$(BIN)/golangci-lint fmt

.PHONY: fmt-check
fmt-check: $(BIN)/gofumpt ## fail where the code is not formatted as gofumpt would
	@unformatted=$$($(BIN)/gofumpt -l .); \
	if [[ -n $$unformatted ]]; then \
	  echo 'not formatted (run "make fmt"):' >&2; echo "$$unformatted" >&2; exit 1; \
	fi

.PHONY: lint
lint: $(BIN)/golangci-lint ## run golangci-lint
	$(BIN)/golangci-lint run

.PHONY: vet
vet: ## run go vet
	go vet ./...

.PHONY: tidy-check
tidy-check: ## fail where a go.mod or go.sum is not tidy
	go mod tidy -diff
	go -C tools mod tidy -diff

# govulncheck exits 3 for vulnerabilities found, and otherwise 1 for whatever
# kept it from looking.
.PHONY: vuln
vuln: $(BIN)/govulncheck ## look for known vulnerabilities that the code reaches
	@code=0; out=$$($(BIN)/govulncheck ./... 2>&1) || code=$$?; \
	if (( code != 0 )) && (( code != 3 )) && grep -q 'fetching vulnerabilities' <<<"$$out"; then \
	  echo '!!! VULNERABILITIES NOT CHECKED: the database cannot be reached' >&2; tail -n 1 <<<"$$out" >&2; \
	else \
	  echo "$$out"; exit $$code; \
	fi

##@ Tools

.PHONY: tools
tools: $(GOTOOLS:%=$(BIN)/%) ## build the Go tools into .tools/bin

$(GOTOOLS:%=$(BIN)/%) $(GATEWAY): tools/go.mod tools/go.sum
	@echo 'building $(@F)$(if $(filter golangci-lint,$(@F)), (takes a minute or two))'
	@mkdir -p $(BIN)
	@pkg=$$(go -C tools list -f '{{.ImportPath}}' tool | grep -E '/$(@F)$$'); \
	go -C tools build -trimpath -o ../$@ "$$pkg"
	@touch $@

.PHONY: outside
outside: $(VENV)/.done $(GATEWAY) ## install the outside judges: aws and moto, an S3 gateway, and database servers
	@tools/servers.sh || echo '!!! SERVERS NOT INSTALLED (see above): tests against real databases are skipped' >&2

# A machine that cannot have them goes on without: the tests that need them are
# skipped there, or fail where they are required.
$(VENV)/.done: tools/requirements.txt
	@tools/outside.sh '$(PYTHON)' '$(VENV)' '$<' || echo '!!! OUTSIDE JUDGES NOT INSTALLED: $(VENV) could not be made (see above)' >&2

.PHONY: clean
clean: ## remove what was built (not .tools)
	rm -rf bin dist bench.txt

.PHONY: help
help: ## print this
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
