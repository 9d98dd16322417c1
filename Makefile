# The commands a person needs. `make help` lists them.
GO ?= go
GOLANGCI ?= golangci-lint
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION) -X main.revision=$(REVISION)
# Each folder with a go.mod of its own.
MODULES := . demo dashboards

.PHONY: help build demo test bench lint fmt postgres

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/collector
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/collector ./cmd/collector

demo: ## run the collector against a simulated company, until Ctrl-C
	@echo "Building the demo (the first build takes a few minutes) ..."
	@$(GO) build -C demo -o ../bin/demo . && exec bin/demo

test: postgres ## run every test with the race detector
	@for m in $(MODULES); do \
	  echo "== $$m: go vet, go test -race"; \
	  $(GO) -C $$m vet ./... && $(GO) -C $$m test -race -timeout 20m ./... || exit 1; \
	done
	@echo "== the sources' contract, whole: the race detector sees a sample of it"
	@$(GO) test -timeout 20m -run '^(TestContract|TestMemory|TestHistory)' ./collectors/...

bench: ## run the benchmarks and print the figures with their bounds
	@out=$$(mktemp) && trap 'rm -f '$$out EXIT && \
	$(GO) test -run '^$$' -bench . -benchtime 3x ./scoring ./exporter ./store ./collectors/pagerduty ./collectors/jira ./collectors/prometheus >$$out 2>&1; code=$$?; \
	[ $$code = 0 ] || { cat $$out; exit $$code; }; \
	grep -E '^(Benchmark|ok)' $$out; echo; \
	printf '%-32s %12s %-8s %-10s %s\n' FIGURE VALUE UNIT BOUND VERDICT; \
	sed -n 's/^figure: //p' $$out | awk '{printf "%-32s %12s %-8s %-10s %s\n", $$1, $$2, $$3, $$4, $$5; if ($$5 != "ok") short = 1} END {exit short}'

lint: ## run golangci-lint
	@for m in $(MODULES); do (cd $$m && $(GOLANGCI) run ./...) || exit 1; done

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

postgres:
	@.ci/postgres
