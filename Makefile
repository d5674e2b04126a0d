# Targets for people; `make help` lists them.

SHELL   := /bin/sh
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
FUZZTIME ?= 20s
# How often `make crash` kills the history, and each step of a campaign
ROUNDS  ?= 200
ENGINE  ?= $(shell command -v podman || command -v docker || echo podman)
# The package a test run is narrowed to: make test-race PKG=./price
PKG     ?= ./...
# Flags of a benchmark: make bench-scale BENCH='-instances 1000,10000'
BENCH   ?=

# -trimpath and no timestamp: the same commit gives the same bytes.
BUILD := -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)'
SIZE  := 40
LINT  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := build
.PHONY: help build demo test tools format vet test-race cross check lint fuzz fuzz-history crash bench bench-peers bench-scale bench-campaign cover licences image clean

help: ## lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

build: ## the binary for this machine, in bin
	CGO_ENABLED=0 go build $(BUILD) -o bin/yunjian ./cmd/yunjian

demo: build ## the whole job on a simulated cloud: collect, audit, report, console
	bin/yunjian demo

test: tools format test-race fuzz-history cross licences ## installs what tests need and runs everything that must pass

tools: ## installs what tests need and this machine lacks
	@scripts/install-test-tools.sh

format: ## every Go file is as gofmt writes it
	@files=$$(find . -name '*.go' -not -path './node_modules/*' | xargs gofmt -l); \
	if [ -n "$$files" ]; then echo "gofmt would change:"; echo "$$files"; exit 1; fi

vet: ## go vet
	go vet -buildvcs=false ./...

# -vet=all is what `go vet` looks for, on what is compiled anyway. Packages that do one thing
# after the other, which internal/house holds them to, have nothing for the race detector to
# find, and take minutes with it; of recommender, what learns runs in parts at once.
SEQUENTIAL := analyzer audit calendar ledger notice ownership policies price utilization
test-race: ## all tests, with the race detector where anything goes on at once, and go vet
	CGO_ENABLED=1 go test -race -vet=all -buildvcs=false -timeout 20m $(if $(filter ./...,$(PKG)),$$(go list ./... | grep -vxE 'yunjian/(recommender|$(subst $() ,|,$(SEQUENTIAL)))'),$(PKG))
	$(if $(filter ./...,$(PKG)),CGO_ENABLED=1 go test -race -buildvcs=false -run 'Logistic|SameAgain' ./recommender)
	$(if $(filter ./...,$(PKG)),go test -vet=all -buildvcs=false -timeout 20m ./recommender $(addprefix ./,$(SEQUENTIAL)))

cross: ## static binaries for amd64, arm64 and loong64, each below 40 MB
	@scripts/cross-build.sh bin/cross $(SIZE) $(BUILD)

check: lint test ## test, and what reads the code for bad habits

lint: ## golangci-lint, pinned
	go run $(LINT) run ./...

# By count: where time ends a run, go test fails now and then on a busy machine.
fuzz-history: ## the fuzzers of what history files hold, 10,000 inputs each
	@scripts/fuzz.sh 10000x ./internal/history

fuzz: ## every fuzzer for FUZZTIME
	@scripts/fuzz.sh $(FUZZTIME)

crash: ## kill -9 the history and a campaign ROUNDS times, and turn 5 times as many bits; a failure names the seed that repeats it
	CGO_ENABLED=1 YUNJIAN_CRASH_ROUNDS=$(ROUNDS) go test -race -buildvcs=false -timeout 2h -count 1 -v -run '^TestKilledAtAnyMoment$$' ./internal/history
	YUNJIAN_CRASH_ROUNDS=$(ROUNDS) go test -buildvcs=false -timeout 2h -count 1 -v -run '^TestKilledCampaign$$' ./cmd/yunjian
	YUNJIAN_DAMAGE_ROUNDS=$$((5 * $(ROUNDS))) go test -buildvcs=false -timeout 2h -count 1 -v -run '^TestAnyTurnedBit$$' ./internal/history

bench: ## the quick benchmarks: history, statistics, and the scan against the limit
	go test -buildvcs=false -run '^$$' -bench . -benchmem $(or $(filter-out ./...,$(PKG)),./internal/history ./utilization)
	$(if $(filter ./...,$(PKG)),cd bench && CGO_ENABLED=0 go run -buildvcs=false . limit $(BENCH))

bench-peers: ## history against VictoriaMetrics, Prometheus, DuckDB and the limit; installs them
	@scripts/install-bench-peers.sh
	cd bench && CGO_ENABLED=1 go test -buildvcs=false . && CGO_ENABLED=1 go run -buildvcs=false . peers $(BENCH)

bench-scale: ## history of 1,000 to 100,000 instances, and a file of 13 GB
	cd bench && CGO_ENABLED=0 go run -buildvcs=false . scale $(BENCH)

bench-campaign: ## a province: 100,000 resources, 2,000 departments, 50,000 cases; seconds of each step
	go test -buildvcs=false -timeout 30m -run '^$$' -bench '^BenchmarkCampaign$$' -benchtime 1x ./internal/pipeline

cover: ## share of statements that tests reach, and bin/cover.html
	@mkdir -p bin
	go test -buildvcs=false -timeout 10m -coverprofile=bin/cover.out -coverpkg=./... $(PKG)
	go tool cover -html=bin/cover.out -o bin/cover.html
	go tool cover -func=bin/cover.out | tail -n 1

licences: build ## the licence of every module in the binary; fails on one that is not permissive
	@scripts/licences.sh bin/yunjian

image: build ## a container image with nothing but the binary, by podman or docker
	rm -rf bin/image
	@scripts/image-context.sh bin/yunjian bin/image
	$(ENGINE) build -t yunjian:$(VERSION) -f deploy/Containerfile bin/image

clean: ## removes what was built
	rm -rf bin dist
