package report

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// queried are services as a query tells them apart.
func queried() []FleetRow {
	return []FleetRow{
		{Service: "cart", Title: "Shopping Cart", Team: "payments", Org: "shop", Tier: 1, Badge: "silver", Target: "gold",
			OnTarget: targetLate, Score: &Bounds{0.7, 0.8}, GapChecks: 3},
		{Service: "blog", Title: "blog", Team: "", Org: "web", Tier: 4, Badge: "none", Target: "none", OnTarget: targetNone},
		{Service: "auth", Title: "auth", Team: "identity", Org: "shop", Tier: 1, Badge: "bronze", Target: "gold",
			OnTarget: targetDue, Score: &Bounds{0.4, 0.4}, GapChecks: 7},
		{Service: "search", Title: "search", Team: "payments", Org: "web", Tier: 2, Badge: "gold", Target: "silver",
			OnTarget: onTarget, Score: &Bounds{0.9, 0.9}, OnHold: true, GapChecks: 1},
		{Service: "ads", Title: "ads", Team: "identity", Org: "web", Tier: 2, Badge: "none", Target: "silver",
			OnTarget: targetDue, Score: &Bounds{0.1, 0.9}, GapChecks: 9},
	}
}

func TestFleetQueries(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                             "cart auth ads search blog",
		"sort=worst":                   "cart auth ads search blog",
		"sort=name":                    "ads auth blog cart search",
		"sort=-name":                   "search cart blog auth ads",
		"sort=tier":                    "auth cart ads search blog",
		"sort=badge":                   "ads blog auth cart search",
		"sort=-badge":                  "search cart auth ads blog",
		"sort=score":                   "blog ads auth cart search",
		"sort=-gap":                    "ads auth cart search blog",
		"sort=team":                    "blog ads auth cart search",
		"q=SHOPPING":                   "cart",
		"q=identity&sort=name":         "ads auth",
		"q=%00":                        "",
		"team=payments":                "cart search",
		"team=-":                       "blog",
		"org=shop&sort=name":           "auth cart",
		"tier=1":                       "cart auth",
		"badge=None&sort=name":         "ads blog",
		"badge=gold":                   "search",
		"below_target=true":            "cart auth ads",
		"below_target=1&team=identity": "auth ads",
		"target=below":                 "cart auth ads",
		"target=late":                  "cart",
		"target=due":                   "auth ads",
		"target=on_target":             "search",
		"target=none":                  "blog",
		"below_target=true&target=due": "auth ads",
		"below_target=false":           "cart auth ads search blog",
		"on_hold=true":                 "search",
		"tier=&badge=&sort=&page=2":    "cart auth ads search blog",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParseFleetQuery(values, "page")
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		var got []string
		for _, row := range q.Select(queried()) {
			got = append(got, row.Service)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
		if again, err := ParseFleetQuery(q.Values()); err != nil || again != q {
			t.Errorf("%s: %+v, read again as %+v: %v", query, q, again, err)
		}
	}
	for query, want := range map[string]string{
		"teem=payments":    `unknown parameter "teem", did you mean "team"?`,
		"page=2":           `unknown parameter "page"`,
		"tier=0":           `tier="0": want a tier from 1 to 4`,
		"tier=gold":        `tier="gold": want a tier from 1 to 4`,
		"badge=golden":     `did you mean "gold"?`,
		"target=later":     `target="later": want below, late, due, on_target or none, did you mean "late"?`,
		"below_target=yes": `below_target="yes": want true or false`,
		"sort=nam":         `did you mean "name"?`,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseFleetQuery(values); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", query, err, want)
		}
	}
}

// TestAnOrderIsTotal: rows come out in one order, in whichever they go in.
func TestAnOrderIsTotal(t *testing.T) {
	t.Parallel()
	for _, sort := range FleetSorts() {
		rows := queried()
		first := serviceNames(FleetQuery{Sort: sort}.Select(rows))
		slices.Reverse(rows)
		if second := serviceNames(FleetQuery{Sort: sort}.Select(rows)); first != second {
			t.Errorf("%s: %s, and turned %s", sort, first, second)
		}
	}
}

func serviceNames(rows []*FleetRow) string {
	var names []string
	for _, row := range rows {
		names = append(names, row.Service)
	}
	return strings.Join(names, " ")
}
