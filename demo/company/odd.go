package company

import "github.com/prodready/collector/framework"

// Oddity is what hardly any service shows. Each is given to one of those without
// a badge, so that no badge hangs on it, and so that everything that can be
// observed is also seen to be absent somewhere.
type Oddity string

// The oddities.
const (
	Ordinary Oddity = ""
	// Orphaned services belong to no team any more, are built from an archived
	// repository, and no exporter watches their backups.
	Orphaned Oddity = "orphaned"
	// Unwatched services have no metrics and no alert, and run where nothing scans
	// images, counts replicas or runs the jobs that the catalog names.
	Unwatched Oddity = "unwatched"
	// Exposed services have secrets in their images.
	Exposed Oddity = "exposed"
	// Removed services are in the catalog with an id that PagerDuty does not know
	// any more.
	Removed Oddity = "removed"
	// Unmanned services page a rotation without people.
	Unmanned Oddity = "unmanned"
	// Silent services have never paged anybody.
	Silent Oddity = "silent"
)

// oddities lists them with what services of each do not do, and do.
func oddities() []struct {
	is        Oddity
	fits      func(*Service) bool
	not, does []string
} {
	kubernetes := func(s *Service) bool { return s.Runtime == "kubernetes" }
	everyone := func(*Service) bool { return true }
	return []struct {
		is        Oddity
		fits      func(*Service) bool
		not, does []string
	}{
		{is: Silent, fits: func(s *Service) bool { return s.Tier == 4 }, not: []string{"inc.someone-on-call"},
			does: []string{"obs.noise-bounded", "inc.humane-load", "rel.self-healing"}},
		{is: Orphaned, fits: func(s *Service) bool { return s.Stateful }, not: []string{
			"cicd.source-in-version-control", "data.owned", "data.backed-up", "inc.registered",
		}},
		{is: Unwatched, fits: kubernetes, not: []string{
			"obs.metrics-collected", "obs.golden-signals", "obs.alert-exists", "rel.redundant", "rel.spread",
			"sec.no-exposed-secrets", "sec.no-stale-criticals", "sec.self-patching", "sec.least-privilege", "sec.hardened",
			"data.retention-enforced", "data.lower-environments-clean", "data.continuous-assurance",
		}},
		{is: Exposed, fits: kubernetes, not: []string{"sec.no-exposed-secrets"}},
		{is: Removed, fits: everyone, not: []string{"inc.registered"}},
		{is: Unmanned, fits: everyone, not: []string{"inc.someone-on-call", "inc.escalates"},
			does: []string{"inc.registered"}},
	}
}

// odd gives the oddities away, where there are enough services without a badge.
func (b *builder) odd() {
	var unbadged []*Service
	for _, s := range b.Services {
		if s.Goal == framework.NoBadge {
			unbadged = append(unbadged, s)
		}
	}
	all := oddities()
	if len(unbadged) < len(all) {
		return
	}
	for _, o := range all {
		for _, s := range unbadged {
			if s.Odd != Ordinary || !o.fits(s) {
				continue
			}
			s.Odd, s.Quiet = o.is, s.Quiet || o.is == Silent
			for _, id := range o.not {
				h := s.Practice[id]
				h.Done = false
				// It shows: no claim stands in the way.
				for _, c := range b.checks {
					if c.ID == id {
						h.Shown = c.Proofs[0]
					}
				}
				s.Practice[id] = h
			}
			for _, id := range o.does {
				h := s.Practice[id]
				h.Done = true
				s.Practice[id] = h
			}
			s.Practice.settle(b.checks)
			break
		}
	}
}
