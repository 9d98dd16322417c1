# The commands a person needs. `make help` lists them.
GO ?= go
GOLANGCI ?= golangci-lint
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION)
MODULES := .

.PHONY: help build test lint fmt tidy-check bench demo

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/collector
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/collector ./cmd/collector

test: ## run every test with the race detector
	@for m in $(MODULES); do echo "== go vet and go test -race in $$m"; $(GO) -C $$m vet ./... && $(GO) -C $$m test -race ./... || exit 1; done

lint: ## run golangci-lint
	@for m in $(MODULES); do (cd $$m && $(GOLANGCI) run ./...) || exit 1; done

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')
