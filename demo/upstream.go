package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/project"
	"github.com/prodready/collector/demo/prometheus"
	"github.com/prodready/collector/rules"
)

// upstream is one simulated server that the collector asks.
type upstream struct {
	name string
	// url is where it listens, token what it wants to be asked with.
	url, token string
	server     *http.Server
	// asked returns how many requests came since forget was last called.
	asked  func() int
	forget func()
}

// vendor is a server that answers as a vendor's would, and keeps requests of type R.
type vendor[R any] interface {
	http.Handler
	Requests() []R
	Forget()
}

// serve starts an upstream on a free port of this machine.
func serve[R any](name, token string, fake vendor[R], log *slog.Logger) (*upstream, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the simulated %s: %w", name, err)
	}
	u := &upstream{
		name: name, url: "http://" + listener.Addr().String(), token: token,
		server: &http.Server{Handler: fake, ReadHeaderTimeout: 10 * time.Second},
		asked:  func() int { return len(fake.Requests()) },
		forget: fake.Forget,
	}
	go func() {
		if err := u.server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("a simulated server has ended", "server", name, "error", err)
		}
	}()
	return u, nil
}

// close stops it, at once if it does not within the time.
func (u *upstream) close(ctx context.Context) error {
	if err := u.server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stopping the simulated %s: %w", u.name, err), u.server.Close())
	}
	return nil
}

// servePagerDuty serves the company as PagerDuty would. A request that
// PagerDuty does not know is a fault of the collector and logged as one.
func servePagerDuty(c *company.Company, now func() time.Time, log *slog.Logger) (*upstream, error) {
	token := fmt.Sprintf("demo-pagerduty-key-%d", c.Seed)
	fake := pagerdutytest.New(pagerdutytest.Options{
		Account: project.PagerDuty(c), Now: now, Token: token,
		Fail: func(message string) {
			log.Error("PagerDuty does not know a request of the collector", "request", message)
		},
	})
	return serve("PagerDuty", token, fake, log)
}

// jiraEmail is the account that the collector asks Jira with.
const jiraEmail = "readiness-collector@example.com"

// serveJira serves the company's tickets as Jira Cloud would. A request that
// Jira does not know is a fault of the collector and logged as one.
func serveJira(c *company.Company, now func() time.Time, log *slog.Logger) (*upstream, error) {
	token := fmt.Sprintf("demo-jira-token-%d", c.Seed)
	fake := jiratest.New(jiratest.Options{
		Site: project.Jira(c), Email: jiraEmail, Token: token,
		// The pages of one listing are asked for within a second, and are of one
		// answer that the server remembers.
		Now: func() time.Time { return now().Truncate(time.Second) },
		Fail: func(message string) {
			log.Error("Jira does not know a request of the collector", "request", message)
		},
	})
	return serve("Jira", token, fake, log)
}

// largeCompany is the number of services from which on a fine past would take
// longer to write than anybody waits for a demo.
const largeCompany = 200

// servePrometheus runs the company's Prometheus over what its exporters would
// publish, with its storage and rules in a folder of its own.
func servePrometheus(ctx context.Context, c *company.Company, folder, address string, now func() time.Time,
	log *slog.Logger) (*prometheus.Server, error) {
	text, err := project.Rules(c)
	if err != nil {
		return nil, err
	}
	folder = filepath.Join(folder, "prometheus")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, fmt.Errorf("making a folder for the company's Prometheus: %w", err)
	}
	rules := filepath.Join(folder, "rules.yaml")
	if err := os.WriteFile(rules, text, 0o600); err != nil {
		return nil, fmt.Errorf("writing the rules of the company's Prometheus: %w", err)
	}
	recorded, err := project.Recorded(c)
	if err != nil {
		return nil, err
	}
	resolutions := prometheus.DefaultResolutions()
	if len(c.Services) > largeCompany {
		resolutions = prometheus.CoarseResolutions()
	}
	return prometheus.Start(ctx, prometheus.Options{
		Resolutions: resolutions, Address: address,
		Dir: filepath.Join(folder, "data"), Series: both(project.Series(c), recorded), Rules: []string{rules},
		Retention: project.Retention, Now: now, Logger: log,
	})
}

// both are the series of one sequence and then those of another.
func both(one, other iter.Seq[prometheus.Series]) iter.Seq[prometheus.Series] {
	return func(yield func(prometheus.Series) bool) {
		for _, series := range []iter.Seq[prometheus.Series]{one, other} {
			for s := range series {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// watch makes the company's Prometheus scrape the collector like everything
// else, and evaluate the collector's own rules over what it says.
func watch(ctx context.Context, server *prometheus.Server, address, folder string) error {
	text, err := rules.Files.ReadFile("readiness.rules.yaml")
	if err != nil {
		return fmt.Errorf("reading the collector's rules: %w", err)
	}
	file := filepath.Join(folder, "prometheus", "readiness.rules.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("writing the collector's rules: %w", err)
	}
	if err := server.ScrapeAlso(ctx, prometheus.Target{Job: "readiness", Address: address}); err != nil {
		return err
	}
	return server.LoadRules(ctx, file)
}
