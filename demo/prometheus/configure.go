package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"go.yaml.in/yaml/v3"
)

// Target is something that serves /metrics.
type Target struct {
	// Job is the job label; one job has one target here.
	Job string
	// Address is host:port.
	Address string
	// Every is the interval; 0 means 5 seconds.
	Every time.Duration
}

// targetSets are the groups of targets by job, as the scrape manager takes them.
type targetSets = map[string][]*targetgroup.Group

// ScrapeAlso asks one more target, or the one of the same job at its new
// address. The first samples are there after one interval at most.
func (s *Server) ScrapeAlso(ctx context.Context, target Target) error {
	s.changing.Lock()
	targets := slices.DeleteFunc(slices.Clone(s.targets), func(t Target) bool { return t.Job == target.Job })
	files := s.ruleFiles
	s.changing.Unlock()
	return s.configure(ctx, files, append(targets, target))
}

// LoadRules evaluates these rule files beside those that it has, once before it
// returns. On error the old ones stay.
func (s *Server) LoadRules(ctx context.Context, files ...string) error {
	s.changing.Lock()
	all, targets := slices.Clone(s.ruleFiles), s.targets
	s.changing.Unlock()
	for _, f := range files {
		if !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return s.configure(ctx, all, targets)
}

// configure applies rule files and targets the way Prometheus does: as a
// configuration file, which the API shows.
func (s *Server) configure(ctx context.Context, files []string, targets []Target) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	text, err := s.configText(files, targets)
	if err != nil {
		return err
	}
	next, err := config.Load(text, s.options.Logger)
	if err != nil {
		return fmt.Errorf("the configuration of Prometheus: %w", err)
	}
	if err := s.loadRules(ctx, files); err != nil {
		return err
	}
	if err := s.scraper.ApplyConfig(next); err != nil {
		return fmt.Errorf("applying the targets: %w", err)
	}
	sets := targetSets{}
	for _, job := range next.ScrapeConfigs {
		for _, sd := range job.ServiceDiscoveryConfigs {
			if static, ok := sd.(discovery.StaticConfig); ok {
				sets[job.JobName] = append(sets[job.JobName], static...)
			}
		}
	}
	select {
	case s.groups <- sets:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.config, s.ruleFiles, s.targets = next, files, targets
	return nil
}

type (
	configDoc struct {
		Global    globalDoc   `yaml:"global"`
		RuleFiles []string    `yaml:"rule_files,omitempty"`
		Scrape    []scrapeDoc `yaml:"scrape_configs,omitempty"`
	}
	globalDoc struct {
		Evaluation model.Duration `yaml:"evaluation_interval"`
	}
	scrapeDoc struct {
		Job     string         `yaml:"job_name"`
		Every   model.Duration `yaml:"scrape_interval"`
		Timeout model.Duration `yaml:"scrape_timeout"`
		Static  []staticDoc    `yaml:"static_configs"`
	}
	staticDoc struct {
		Targets []string `yaml:"targets"`
	}
)

func (s *Server) configText(files []string, targets []Target) (string, error) {
	doc := configDoc{Global: globalDoc{Evaluation: model.Duration(s.options.RuleInterval)}, RuleFiles: files}
	for _, t := range targets {
		if t.Job == "" {
			return "", errors.New("a target has no job")
		}
		if _, _, err := net.SplitHostPort(t.Address); err != nil {
			return "", fmt.Errorf("the target of job %s: want host:port: %w", t.Job, err)
		}
		every := t.Every
		if every <= 0 {
			every = 5 * time.Second
		}
		doc.Scrape = append(
			doc.Scrape,
			scrapeDoc{
				Job: t.Job, Every: model.Duration(every), Timeout: model.Duration(every),
				Static: []staticDoc{{Targets: []string{t.Address}}},
			},
		)
	}
	text, err := yaml.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("writing the configuration of Prometheus: %w", err)
	}
	return string(text), nil
}

// startScraping runs the scrape manager on the sets that configure sends.
func (s *Server) startScraping() error {
	settings := &scrape.Options{
		DiscoveryReloadInterval: model.Duration(200 * time.Millisecond), DiscoveryReloadOnStartup: true,
	}
	manager, err := scrape.NewManager(settings, s.options.Logger, nil, nil, s.db, s.registry)
	if err != nil {
		return fmt.Errorf("making the scrape manager: %w", err)
	}
	s.scraper, s.groups = manager, make(chan targetSets)
	done := make(chan error, 1)
	go func() { done <- manager.Run(s.groups) }()
	s.later(func() error {
		manager.Stop()
		return <-done
	})
	return nil
}

// startRules runs the rules manager.
func (s *Server) startRules() {
	ctx, stop := context.WithCancel(context.Background())
	s.rules = rules.NewManager(&rules.ManagerOptions{
		AppendableV2: s.db, Queryable: s.db, QueryFunc: rules.EngineQueryFunc(s.engine, s.db),
		// No Alertmanager is notified: the alerts are only read through the API.
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Context:    ctx, ExternalURL: s.external(), Registerer: s.registry, Logger: s.options.Logger, Parser: s.parser,
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.rules.Run()
	}()
	s.later(func() error {
		stop()
		s.rules.Stop()
		<-done
		return nil
	})
}

// loadRules replaces the rule files. New groups are evaluated at once: on its
// own the manager would first wait for the next turn of each, and until then
// it is not known whether a rule works.
func (s *Server) loadRules(ctx context.Context, files []string) error {
	if err := s.rules.Update(s.options.RuleInterval, files, labels.EmptyLabels(), s.external().String(), nil); err != nil {
		return fmt.Errorf("loading the rules of %v: %w", files, err)
	}
	for _, g := range s.rules.RuleGroups() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if g.GetLastEvaluation().IsZero() {
			g.Eval(ctx, time.Now())
		}
	}
	return nil
}
