# The commands a person needs. `make help` lists them.
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION) -X main.revision=$(REVISION)
# Each folder with a go.mod of its own.
MODULES := . demo dashboards deploy/helm

# One set of flags for everything, so that the program, the demo, the tests and
# the linters share one build cache. Only the race detector needs cgo.
export CGO_ENABLED := 0
export GOFLAGS := $(strip -trimpath $(filter-out -trimpath,$(GOFLAGS)))

# The pinned tools. `make lint` installs what is missing in bin/tools.
GOLANGCI_VERSION := v2.15.0
DEADCODE_VERSION := v0.52.0
GOVULNCHECK_VERSION := v1.9.0
GOLANGCI := $(CURDIR)/bin/tools/golangci-lint-$(GOLANGCI_VERSION)
DEADCODE := $(CURDIR)/bin/tools/deadcode-$(DEADCODE_VERSION)
GOVULNDB ?= https://vuln.go.dev
GOVULNCHECK := $(CURDIR)/bin/tools/govulncheck-$(GOVULNCHECK_VERSION)

# Stores on a memory disk do not wait for a disk that others keep busy.
MEMORY_DISK := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 {print "/dev/shm"}')
# Some packages wait more than they work, so that two more than there are
# processors are tested at once.
TEST = $(if $(MEMORY_DISK),TMPDIR=$(MEMORY_DISK) GOTMPDIR=$(or $(GOTMPDIR),$(TMPDIR),/tmp)) $(GO) test -timeout 60m \
  -p $$(($$(getconf _NPROCESSORS_ONLN) + 2))
# All packages are built for the race detector, SQLite's too: the linker keeps one
# copy of a generic function, and one that is not instrumented hides every lock
# of a sync.Map.
TEST_RACE = CGO_ENABLED=1 $(TEST) -race
PACKAGES := $(CURDIR)/.ci/packages

.PHONY: help build demo generate check test race chaos soak calibrate bench lint golangci vuln fmt postgres chromium mkdocs prometheus pictures

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/readiness-collector, and bin/collector as a short name for it
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/readiness-collector ./cmd/collector
	@ln -sf readiness-collector bin/collector

# DEMO_FLAGS='--listen 127.0.0.1:9948' chooses another port; bin/demo --help lists all.
DEMO_FLAGS ?=
demo: ## run the collector against a simulated company, until Ctrl-C
	@echo "Building the demo (the first build takes a few minutes) ..."
	@$(GO) build -C demo -o ../bin/demo . && exec bin/demo $(DEMO_FLAGS)

# Packages whose tests write files: golden texts, documents, dashboards. Their
# long tests have nothing to write.
generate: ## write every generated file and golden text anew
	@set -e; for m in $(MODULES); do cd $(CURDIR)/$$m; \
	  for p in $$(grep -rl --include='*_test.go' --exclude-dir=demo --exclude-dir=dashboards --exclude-dir=helm 'flag.Bool("update"' . | xargs -r -n1 dirname | sort -u); do \
	    $(GO) test -short -skip 'Contract|Memory|Requests' $$p -update; \
	  done; done

check: golangci ## build, lint and run the tests that need no database, quickly
	@for m in $(MODULES); do (cd $$m && $(GO) build ./... && unit=$$($(PACKAGES) unit) && $(GO) test $$unit) || exit 1; done

# The race detector makes SQLite more than ten times slower: it sees a sample,
# which internal/race explains.
test: postgres chromium mkdocs prometheus ## run every test, and a sample of those with goroutines under the race detector
	@for m in $(MODULES); do \
	  cd $(CURDIR)/$$m && concurrent=$$($(PACKAGES) concurrent) || exit 1; \
	  echo "== $$m: go test" && $(TEST) ./... || exit 1; \
	  [ -z "$$concurrent" ] || { echo "== $$m: go test -race, a sample" && $(TEST_RACE) $$concurrent; } || exit 1; \
	done

race: postgres chromium prometheus ## run every test whole under the race detector: for the night, it takes hours
	@for m in $(MODULES); do (cd $$m && READINESS_TEST_WHOLE=1 CGO_ENABLED=1 $(GO) test -race -timeout 4h ./...) || exit 1; done

soak: ## hold the badge machine against its model for 10,000,000 judgements: about ten minutes
	READINESS_TEST_STEPS=10000000 GOGC=1000 $(GO) test -timeout 3h -v -run AgainstAModel ./scoring

# Most of the time is waited, so that more fleets than there are processors run at once.
KILLS ?= 100
chaos: postgres ## kill, pause and cut off replicas, print what it costs: 15 minutes, an hour at most (KILLS=10: 5)
	@cd demo && $(TEST) ./chaos -v -count 1 -parallel 12 -args -kills $(KILLS)

# The test is run as a program, so that it sees the terminal and shows how far it is.
FLEETS ?= 2000
calibrate: ## run the effect of reviews on simulated fleets and write docs/statistics.md: about 10 minutes
	@test=$$(mktemp) && trap 'rm -f '$$test EXIT && $(GO) test -c -o $$test ./correlation && \
	cd correlation && $$test -test.timeout 2h -test.v -test.run 'TestCalibration$$' -fleets $(FLEETS) -write

# A benchmark whose figure is short fails; the table is printed all the same.
bench: ## run the benchmarks and print the figures with their bounds
	@out=$$(mktemp) && trap 'rm -f '$$out EXIT && \
	( $(GO) test -run '^$$' -bench . -benchtime 3x ./correlation ./scoring ./evaluation ./exporter ./pages ./store ./collectors/pagerduty ./collectors/jira ./collectors/prometheus; code=$$?; \
	$(GO) test -C demo -run '^$$' -bench Rules -benchtime 1x . && exit $$code; ) >$$out 2>&1; code=$$?; \
	if [ $$code = 0 ]; then grep -E '^(Benchmark|ok)' $$out; else grep -v '^figure: ' $$out; fi; echo; \
	printf '%-32s %12s %-8s %-10s %s\n' FIGURE VALUE UNIT BOUND VERDICT; \
	sed -n 's/^figure: //p' $$out | awk '{printf "%-32s %12s %-8s %-10s %s\n", $$1, $$2, $$3, $$4, $$5; if ($$5 != "ok") short = 1} END {exit short}' && exit $$code

lint: golangci $(DEADCODE) ## run the pinned golangci-lint and deadcode
	@DEADCODE=$(DEADCODE) .ci/deadcode

vuln: $(GOVULNCHECK) ## ask the Go vulnerability database what the code calls: needs the network
	@for m in $(MODULES); do (cd $$m && $(GOVULNCHECK) -db $(GOVULNDB) ./...) || { code=$$?; \
	  [ $$code = 3 ] && echo "make vuln: $$m calls what the database lists, see above" >&2 || \
	    echo "make vuln: $$m was not checked: this needs https://vuln.go.dev, or a mirror of it in GOVULNDB" >&2; \
	  exit $$code; }; done

golangci: $(GOLANGCI)
	@for m in $(MODULES); do (cd $$m && $(GOLANGCI) run ./...) || exit 1; done

$(CURDIR)/bin/tools/golangci-lint-$(GOLANGCI_VERSION):
	@echo "Installing golangci-lint $(GOLANGCI_VERSION) (this takes a few minutes) ..."
	@GOBIN=$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) && mv $(@D)/golangci-lint $@

$(CURDIR)/bin/tools/deadcode-$(DEADCODE_VERSION):
	@GOBIN=$(@D) $(GO) install golang.org/x/tools/cmd/deadcode@$(DEADCODE_VERSION) && mv $(@D)/deadcode $@

$(CURDIR)/bin/tools/govulncheck-$(GOVULNCHECK_VERSION):
	@GOBIN=$(@D) $(GO) install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) && mv $(@D)/govulncheck $@

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

pictures: ## draw the pictures of the README anew, from the demo
	@.ci/pictures

postgres:
	@.ci/postgres

chromium:
	@.ci/chromium
	@.ci/axe

mkdocs:
	@.ci/mkdocs

prometheus:
	@.ci/prometheus
