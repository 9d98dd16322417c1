package prometheus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	metrics "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
)

// Defaults of Options.
const (
	// DefaultAddress is any free port of this machine, not reachable from
	// others: the server has no password.
	DefaultAddress = "127.0.0.1:0"
	// DefaultRetention keeps what the longest of the usual questions looks back
	// over.
	DefaultRetention = 40 * 24 * time.Hour
	// DefaultEvery is how often the present is sampled.
	DefaultEvery = 15 * time.Second
	// DefaultRuleInterval is how often rules are evaluated whose group does not
	// say.
	DefaultRuleInterval = 15 * time.Second
)

// The limits of Prometheus's own flags.
const (
	maxSamples   = 50_000_000
	queryTimeout = 2 * time.Minute
	lookback     = 5 * time.Minute
)

// stopWithin bounds the time that requests have to end.
const stopWithin = 3 * time.Second

// Options say what a server has and does. All but Dir may be left out.
type Options struct {
	// Dir is an empty folder for the storage.
	Dir string
	// Listener is where it serves; without one it listens on Address.
	Listener net.Listener
	Address  string
	// Series are what it knows from the start.
	Series iter.Seq[Series]
	// Resolutions are how densely the past is written, by age.
	Resolutions []Resolution
	// Retention is how long data is kept. It should be no shorter than the
	// longest reach of the series, which are cut to it.
	Retention time.Duration
	// Every is how often the present is sampled; a negative value leaves the
	// series at what they were at the start.
	Every time.Duration
	// Rules are the names of rule files. They are evaluated before Start
	// returns, and RuleInterval apart after.
	Rules        []string
	RuleInterval time.Duration
	// Scrape are targets that are asked for their metrics, beside the series.
	Scrape []Target
	// Now is the end of the past and the clock of the series. Rules and scrapes
	// go by the machine's clock whatever it says, as they do in Prometheus.
	Now func() time.Time
	// Logger takes what the parts of Prometheus log; without one it is dropped.
	Logger *slog.Logger
}

func (o *Options) defaults() error {
	if o.Dir == "" {
		return errors.New("a folder for the storage is missing: set Dir")
	}
	if o.Address == "" {
		o.Address = DefaultAddress
	}
	if o.Resolutions == nil {
		o.Resolutions = DefaultResolutions()
	}
	if o.Retention <= 0 {
		o.Retention = DefaultRetention
	}
	if o.Every == 0 {
		o.Every = DefaultEvery
	}
	if o.RuleInterval <= 0 {
		o.RuleInterval = DefaultRuleInterval
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Server is a running Prometheus. Its methods are safe for concurrent use.
type Server struct {
	options  Options
	started  time.Time
	registry *metrics.Registry
	stats    *tsdb.DBStats
	db       *tsdb.DB
	tracks   []*track
	parser   parser.Parser
	engine   *promql.Engine
	rules    *rules.Manager
	scraper  *scrape.Manager
	listener net.Listener
	http     *http.Server

	// changing guards what follows: the configuration as it was last applied.
	changing  sync.Mutex
	config    *config.Config
	ruleFiles []string
	targets   []Target
	groups    chan targetSets

	// ends are undone in reverse order, once.
	ends   []func() error
	ending sync.Once
	ended  error
}

// Start makes a server, writes the past, evaluates the rules once, and serves.
// It returns when all of that is done. ctx bounds the start, not the server.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	if err := o.defaults(); err != nil {
		return nil, fmt.Errorf("starting Prometheus: %w", err)
	}
	s := &Server{options: o, started: time.Now(), registry: metrics.NewRegistry(), stats: tsdb.NewDBStats()}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting Prometheus: %w", err), s.Close())
		}
	}()
	if err := s.listen(ctx); err != nil {
		return nil, err
	}
	if err := s.openStorage(ctx); err != nil {
		return nil, err
	}
	s.later(s.db.Close)
	s.parser = parser.NewParser(parser.Options{})
	s.engine = promql.NewEngine(promql.EngineOpts{
		Logger: o.Logger, Reg: s.registry, MaxSamples: maxSamples, Timeout: queryTimeout, LookbackDelta: lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true, Parser: s.parser,
	})
	s.later(s.engine.Close)
	if err := s.startScraping(); err != nil {
		return nil, err
	}
	s.startRules()
	if err := s.configure(ctx, o.Rules, o.Scrape); err != nil {
		return nil, err
	}
	s.startSampling()
	s.serve()
	return s, nil
}

// URL is where it serves, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Address is the host and port it serves on.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Series is how many series it was started with.
func (s *Server) Series() int { return len(s.tracks) }

// Close stops it. It is safe to call it again; the folder stays.
func (s *Server) Close() error {
	s.ending.Do(func() {
		var errs []error
		for _, v := range slices.Backward(s.ends) {
			if err := v(); err != nil {
				errs = append(errs, fmt.Errorf("stopping Prometheus: %w", err))
			}
		}
		s.ended = errors.Join(errs...)
	})
	return s.ended
}

// later registers what Close has to undo.
func (s *Server) later(end func() error) { s.ends = append(s.ends, end) }

func (s *Server) listen(ctx context.Context) error {
	s.listener = s.options.Listener
	if s.listener == nil {
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", s.options.Address)
		if err != nil {
			return fmt.Errorf("listening on %s: %w", s.options.Address, err)
		}
		s.listener = listener
	}
	s.later(func() error {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

func (s *Server) startSampling() {
	if s.options.Every < 0 {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.live(ctx)
	}()
	s.later(func() error {
		stop()
		<-done
		return nil
	})
}

func (s *Server) serve() {
	router := route.New()
	s.api().Register(router.WithPrefix("/api/v1"))
	router.Get("/metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}).ServeHTTP)
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		router.Get(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "Prometheus is up.") })
	}
	s.http = &http.Server{
		Handler: router, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelError),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.http.Serve(s.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.options.Logger.Error("serving has ended", "error", err)
		}
	}()
	s.later(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		err := s.http.Shutdown(ctx)
		if err != nil {
			err = s.http.Close()
		}
		<-done
		return err
	})
}

// external is the address that links to the server begin with.
func (s *Server) external() *url.URL {
	return &url.URL{Scheme: "http", Host: s.Address(), Path: "/"}
}
