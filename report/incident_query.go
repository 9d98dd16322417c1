package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/nearest"
)

// IncidentQuery selects incidents: of a service, a team, an org or a tier, of which one
// at most is set, within a window. Class is as in NewIncidents.
type IncidentQuery struct {
	Service, Team, Org string
	Tier               int
	Window             time.Duration
	Class              string
}

// Complete reads the window, such as 30d, and checks the rest. The error says what is
// wrong, with a prefix before the names, such as -- of flags.
func (q *IncidentQuery) Complete(window, prefix string) error {
	var given []string
	for name, set := range map[string]bool{
		"service": q.Service != "", "team": q.Team != "", "org": q.Org != "", "tier": q.Tier != 0,
	} {
		if set {
			given = append(given, prefix+name)
		}
	}
	if len(given) > 1 {
		slices.Sort(given)
		return fmt.Errorf("%s: give one of them", strings.Join(given, " and "))
	}
	d, err := model.ParseDuration(window)
	if err != nil || d <= 0 {
		return fmt.Errorf("%swindow %q: want a duration such as 7d or 30d", prefix, window)
	}
	q.Window = time.Duration(d)
	names := []string{ClassAll}
	for _, c := range correlation.NoiseClasses() {
		names = append(names, c.String())
	}
	if q.Class != "" && !slices.Contains(names, q.Class) {
		return fmt.Errorf("%sclass %q is none%s; the classes are %s", prefix, q.Class, nearest.Suggest(q.Class, names),
			strings.Join(names, ", "))
	}
	return nil
}
