package pages

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
)

// incidentComparison are the incidents of a group beside those of all services.
type incidentComparison struct {
	// Days is how many days they are of.
	Days int
	Rows []incidentRow
}

// incidentRow are the incidents of a group, in words.
type incidentRow struct {
	Name string
	// Began is how many incidents began, PerService that for each service; Median and
	// Slowest are how long they took, and Noise is the share in a class of noise.
	Began, PerService, Median, Slowest, Noise string
}

// incidentsBeside compares the incidents of a group with those of the fleet. It has no rows
// where there never was an incident.
func incidentsBeside(s *snapshot.Snapshot, scope correlation.Scope, name string, services int) incidentComparison {
	fleet := figuresOf(s, correlation.ScopeFleet, correlation.FleetGroup)
	if fleet == nil {
		return incidentComparison{}
	}
	window := fleet.Windows[0].Window
	out := incidentComparison{Days: int(time.Duration(window) / (24 * time.Hour))}
	own := figuresOf(s, scope, name)
	if own == nil {
		own = &correlation.GroupFigures{Figures: correlation.Figures{Windows: []correlation.WindowFigures{{Window: window}}}}
	}
	out.Rows = []incidentRow{
		incidentWords(name, &own.Windows[0], services), incidentWords("all services", &fleet.Windows[0], len(s.Services)),
	}
	return out
}

func figuresOf(s *snapshot.Snapshot, scope correlation.Scope, name string) *correlation.GroupFigures {
	for i := range s.Groups {
		if g := &s.Groups[i]; g.Scope == scope && g.Group == name && len(g.Windows) > 0 {
			return g
		}
	}
	return nil
}

func incidentWords(name string, w *correlation.WindowFigures, services int) incidentRow {
	row := incidentRow{Name: name, Began: strconv.Itoa(w.Incidents), Median: "none", Slowest: "none", Noise: "none"}
	if services > 0 {
		row.PerService = fmt.Sprintf("%.1f", float64(w.Incidents)/float64(services))
	}
	if w.Incomplete {
		row.Began += " or more"
		row.PerService += " or more"
	}
	if w.Resolution.P50.Known {
		row.Median = report.Lasting(w.Resolution.P50.Value)
	}
	if w.Resolution.P90.Known {
		row.Slowest = report.Lasting(w.Resolution.P90.Value)
	}
	if n := w.Noise; n != nil && n.All > 0 {
		count, unknown := n.Of(correlation.AnyNoise)
		row.Noise = report.Percent(float64(count) / float64(n.All))
		if unknown > 0 {
			row.Noise += " or more"
		}
	}
	return row
}
