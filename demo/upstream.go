package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/project"
)

// upstream is one simulated server that the collector asks.
type upstream struct {
	name string
	// url is where it listens, token what it wants to be asked with.
	url, token string
	server     *http.Server
	// asked tells how many requests it has had; forget empties its memory.
	asked  func() int
	forget func()
}

// serve starts an upstream on a free port of this machine.
func serve(name string, handler http.Handler, log *slog.Logger) (*upstream, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the simulated %s: %w", name, err)
	}
	u := &upstream{
		name: name, url: "http://" + listener.Addr().String(),
		server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second},
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
	u, err := serve("PagerDuty", fake, log)
	if err != nil {
		return nil, err
	}
	u.token = token
	u.asked = func() int { return len(fake.Requests()) }
	u.forget = fake.Forget
	return u, nil
}
