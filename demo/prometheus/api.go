package prometheus

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/notifications"
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// api makes Prometheus's own HTTP API over the parts. Its constructor takes
// everything by position; the comments name what is not plain.
func (s *Server) api() *v1.API {
	external := s.external()
	return v1.NewAPI(
		s.engine,
		s.db,
		s.db, // appendable: unused, since remote writing is off
		s.db, // exemplars
		func(context.Context) v1.ScrapePoolsRetriever { return s.scraper },
		func(context.Context) v1.TargetRetriever { return s.scraper },
		func(context.Context) v1.AlertmanagerRetriever { return nobody{} },
		s.currentConfig,
		s.flags(),
		v1.GlobalURLOptions{ListenAddress: s.Address(), Host: external.Host, Scheme: external.Scheme},
		func(f http.HandlerFunc) http.HandlerFunc { return f }, // served only when ready
		admin{s.db, s.stats},
		s.options.Dir,
		false,  // admin endpoints
		false,  // search endpoints
		10_000, // search limit
		s.options.Logger,
		func(context.Context) v1.RulesRetriever { return ruler{s.rules} },
		0, 0, 0, // limits of remote reading: none
		false, // agent mode
		regexp.MustCompile(`^$`),
		s.runtimeInfo,
		buildInfo(),
		func() []notifications.Notification { return nil },
		func() (<-chan notifications.Notification, func(), bool) { return nil, func() {}, false },
		s.registry,
		s.registry,
		nil,   // statistics are rendered as usual
		false, // remote writing
		nil,   // and its messages
		false, // OTLP
		false,
		false,
		lookback,
		false, // type and unit labels
		false, // metadata in the storage
		nil,   // error codes are those of the API
		features.NewRegistry(),
		v1.OpenAPIOptions{ExternalURL: external.String()},
		s.parser,
		false, // query cost
		queryTimeout,
	)
}

// nobody are the Alertmanagers of the server.
type nobody struct{}

func (nobody) Alertmanagers() []*url.URL        { return nil }
func (nobody) DroppedAlertmanagers() []*url.URL { return nil }

// ruler is the rules manager in the API's words.
type ruler struct{ *rules.Manager }

func (r ruler) AlertingRules() []*rules.AlertingRule { return r.Manager.AlertingRules() }

// admin is what the API asks the storage about itself.
type admin struct {
	*tsdb.DB
	stats *tsdb.DBStats
}

func (a admin) Stats(label string, limit int) (*tsdb.Stats, error) {
	return a.Head().Stats(label, limit), nil
}

func (a admin) WALReplayStatus() (tsdb.WALReplayStatus, error) {
	return a.stats.Head.WALReplayStatus.GetWALReplayStatus(), nil
}

func (a admin) BlockMetas() ([]tsdb.BlockMeta, error) { return a.DB.BlockMetas(), nil }

func (s *Server) currentConfig() config.Config {
	s.changing.Lock()
	defer s.changing.Unlock()
	return *s.config
}

// flags are what the server would have been started with.
func (s *Server) flags() map[string]string {
	return map[string]string{
		"storage.tsdb.path":           s.options.Dir,
		"storage.tsdb.retention.time": model.Duration(s.options.Retention).String(),
		"query.lookback-delta":        model.Duration(lookback).String(),
		"query.timeout":               model.Duration(queryTimeout).String(),
		"query.max-samples":           strconv.Itoa(maxSamples),
		"web.listen-address":          s.Address(),
	}
}

func (s *Server) runtimeInfo() (v1.RuntimeInfo, error) {
	host, err := os.Hostname()
	if err != nil {
		return v1.RuntimeInfo{}, fmt.Errorf("reading the host's name: %w", err)
	}
	return v1.RuntimeInfo{
		StartTime: s.started, CWD: s.options.Dir, Hostname: host, ServerTime: time.Now(),
		ReloadConfigSuccess: true, LastConfigTime: s.started,
		GoroutineCount: runtime.NumGoroutine(), GOMAXPROCS: runtime.GOMAXPROCS(0), GOMEMLIMIT: debug.SetMemoryLimit(-1),
		StorageRetention: model.Duration(s.options.Retention).String(),
	}, nil
}

// buildInfo names the version of Prometheus that is built in.
func buildInfo() *v1.PrometheusVersion {
	info := &v1.PrometheusVersion{Version: "unknown", GoVersion: runtime.Version(), Branch: "embedded"}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	for _, m := range build.Deps {
		if m.Path == "github.com/prometheus/prometheus" {
			// Modules count from v0.300 what releases count from 3.0.
			info.Version, info.Revision = m.Version, m.Sum
		}
	}
	return info
}

var _ v1.TargetRetriever = (*scrape.Manager)(nil)
