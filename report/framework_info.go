package report

import (
	"time"

	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// FrameworkInfo is what services are judged by: the answer of /api/v1/framework. The
// checks are at /api/v1/checks.
type FrameworkInfo struct {
	Framework
	// ActivatedAt is since when services are judged by it.
	ActivatedAt time.Time    `json:"activated_at,omitzero"`
	Modules     []ModuleInfo `json:"modules"`
	// Levels say what levels 1 to 5 mean in all modules.
	Levels []LevelInfo `json:"levels"`
	// Targets are the badges that services should have: those of the configuration, of which
	// the most specific counts, and then those of the framework for tiers.
	Targets []TargetInfo `json:"targets"`
	// Changelog has the newest version first.
	Changelog []VersionInfo `json:"changelog"`
}

// ModuleInfo is one module.
type ModuleInfo struct {
	Module
	Objective string `json:"objective,omitempty"`
	// Checks is how many it has.
	Checks int `json:"checks"`
}

// LevelInfo is one level.
type LevelInfo struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
}

// TargetInfo is one target.
type TargetInfo struct {
	// Services, Teams, Orgs and Tiers are those it is for; none means all. Services may be
	// patterns.
	Services []string `json:"services,omitempty"`
	Teams    []string `json:"teams,omitempty"`
	Orgs     []string `json:"orgs,omitempty"`
	Tiers    []int    `json:"tiers"`
	Badge    string   `json:"badge"`
	// Since is the first day on which it counts, and Due the last on which a service may be
	// below it; both are absent where it has none.
	Since  time.Time `json:"since,omitzero"`
	Due    time.Time `json:"due,omitzero"`
	Reason string    `json:"reason,omitempty"`
	// From is where it is written: the framework, or a line of the configuration.
	From string `json:"from"`
}

// VersionInfo is what a version changed.
type VersionInfo struct {
	Version string    `json:"version"`
	Date    time.Time `json:"date,omitzero"`
	Notes   []string  `json:"notes"`
}

// NewFrameworkInfo is the view of the framework of a snapshot.
func NewFrameworkInfo(s *snapshot.Snapshot) FrameworkInfo {
	f := s.Framework
	out := FrameworkInfo{Framework: frameworkOf(f), ActivatedAt: stamp(s.ActivatedAt), Modules: []ModuleInfo{},
		Levels: []LevelInfo{}, Targets: []TargetInfo{}, Changelog: []VersionInfo{}}
	for i, m := range modulesOf(f) {
		out.Modules = append(out.Modules, ModuleInfo{m, f.Modules[i].Objective, len(f.Modules[i].Checks)})
	}
	for _, l := range f.Levels {
		out.Levels = append(out.Levels, LevelInfo{l.Name, l.Meaning})
	}
	for i := range s.Targets {
		out.Targets = append(out.Targets, targetInfo(&s.Targets[i]))
	}
	for _, t := range f.Targets {
		aim := scoring.Aim(f, t)
		out.Targets = append(out.Targets, targetInfo(&aim))
	}
	for _, c := range f.Changelog {
		out.Changelog = append(out.Changelog, VersionInfo{c.Version, stamp(c.Date), append([]string{}, c.Notes...)})
	}
	return out
}

func targetInfo(t *scoring.Target) TargetInfo {
	return TargetInfo{
		Services: t.Services, Teams: t.Teams, Orgs: t.Orgs, Tiers: append([]int{}, t.Tiers...), Badge: t.Badge.String(),
		Since: stamp(t.Since), Due: stamp(t.By), Reason: t.Reason, From: t.From,
	}
}
