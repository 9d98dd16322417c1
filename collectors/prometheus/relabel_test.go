package prometheus_test

import (
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/prometheus"
)

func TestRelabelling(t *testing.T) {
	const query = "max by (job, exported_job, namespace) (x)"
	rule := func(change func(*prometheus.Relabel)) []prometheus.Relabel {
		r := prometheus.Relabel{
			SourceLabels: []string{"job"}, Separator: ";", Regex: `(?:.+/)?(.+)-prod`, TargetLabel: "job", Replacement: "$1",
		}
		change(&r)
		return []prometheus.Relabel{r}
	}
	for name, c := range map[string]struct {
		rules  []prometheus.Relabel
		series string
		want   string
	}{
		"without it nobody's":       {nil, `{job="shop/checkout-prod"} 4`, "no_data"},
		"replaced":                  {rule(func(*prometheus.Relabel) {}), `{job="shop/checkout-prod"} 4`, "4"},
		"the whole has to match":    {rule(func(*prometheus.Relabel) {}), `{job="shop/checkout-prod-2"} 4`, "no_data"},
		"what does not match stays": {rule(func(*prometheus.Relabel) {}), `{job="checkout"} 4`, "4"},
		"it wins over exported_": {
			rule(func(*prometheus.Relabel) {}), `{job="shop/checkout-prod", exported_job="other"} 4`, "4",
		},
		"of two labels": {
			rule(func(r *prometheus.Relabel) { r.SourceLabels, r.Regex = []string{"namespace", "job"}, "shop;(.+)-prod" }),
			`{job="checkout-prod", namespace="shop"} 4`, "4",
		},
		"of a label that is not there": {
			rule(func(r *prometheus.Relabel) { r.SourceLabels, r.Regex = []string{"pod", "job"}, ";(.+)-prod" }),
			`{job="checkout-prod"} 4`, "4",
		},
		"a constant": {
			rule(func(r *prometheus.Relabel) { r.Replacement = "checkout" }), `{job="a-prod"} 4`, "4",
		},
		"nothing removes the label": {
			rule(func(r *prometheus.Relabel) { r.Regex, r.Replacement = ".*", "" }), `{job="checkout"} 4`, "no_data",
		},
		"lower case": {rule(func(r *prometheus.Relabel) { r.Action = "lowercase" }), `{job="CheckOut"} 4`, "4"},
		"upper case": {
			rule(func(r *prometheus.Relabel) { r.Action = "uppercase" }), `{job="checkout"} 4`, "no_data",
		},
		"kept": {
			rule(func(r *prometheus.Relabel) { r.Action, r.TargetLabel, r.Regex = "keep", "", "check.*" }), `{job="checkout"} 4`,
			"4",
		},
		"not kept": {
			rule(func(r *prometheus.Relabel) { r.Action, r.TargetLabel, r.Regex = "keep", "", "check" }), `{job="checkout"} 4`,
			"no_data",
		},
		"dropped": {
			rule(func(r *prometheus.Relabel) { r.Action, r.TargetLabel, r.Regex = "drop", "", "check.*" }), `{job="checkout"} 4`,
			"no_data",
		},
		"one after the other": {
			append(
				rule(func(r *prometheus.Relabel) { r.TargetLabel = "x" }),
				rule(func(r *prometheus.Relabel) { r.SourceLabels, r.Regex = []string{"x"}, "(.+)" })...,
			),
			`{job="checkout-prod"} 4`, "4",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(
				t, load(t, fact("x.n", "int", "job", query, "unknown")), []*catalog.Service{matched("it", "checkout")},
				func(o *prometheus.Options, _ *server) { o.Relabel = c.rules },
			)
			w.server.vectors[query] = c.series
			r := w.collect()
			r.want(t, "it", map[string]string{"x.n": c.want})
		})
	}
}

// relabelled is a file of facts that names services by their jobs.
const relabelled = `
preset: test
relabel:
  - source_labels: [job]
    regex: (?:.+/)?(.+)-prod
    target_label: service
facts:
  - name: x.n
    type: int
    help: a number
    absent: unknown
    providers:
      - {via: test, join: service, query: 'max by (job) (x)'}
`

func TestAFileRelabelsItsOwnSeries(t *testing.T) {
	facts, err := prometheus.Load(
		nil,
		[]prometheus.File{
			{Name: "a.yaml", Data: []byte(relabelled)},
			{
				Name: "b.yaml",
				Data: []byte(strings.NewReplacer(
					"x.n", "x.m", "preset: test", "preset: other", "regex: (?:.+/)?(.+)-prod", "regex: (.+)",
				).Replace(relabelled)),
			},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, facts, []*catalog.Service{matched("checkout", "checkout"), matched("cart", "cart")})
	w.server.vectors["max by (job) (x)"] = "{job=\"shop/checkout-prod\"} 4\n{job=\"cart\"} 5\n{job=\"shop/nobody-prod\"} 6"
	r := w.collect()
	r.want(t, "checkout", map[string]string{"x.n": "4", "x.m": "no_data"})
	r.want(t, "cart", map[string]string{"x.n": "no_data", "x.m": "5"})
	if r.unmatched == nil || r.unmatched.Total != 1 || len(r.unmatched.Largest) != 1 ||
		r.unmatched.Largest[0].Name != "service nobody" {
		t.Errorf("unmatched %+v", r.unmatched)
	}
	if w.server.seen["max by (job) (x)"] != 1 {
		t.Error("one query of two files was asked twice")
	}
}

func TestRulesAreRelabelledToo(t *testing.T) {
	w := start(t, onlyRules(t), []*catalog.Service{matched("it", "checkout")}, func(o *prometheus.Options, _ *server) {
		o.Relabel = []prometheus.Relabel{{
			SourceLabels: []string{"job"}, Regex: "shop/(.+)-prod", TargetLabel: "job", Replacement: "$1",
		}}
	})
	w.server.replies[rulesPath] = rulesReply(t,
		alertRule{Name: "Down", Query: `up{job="shop/checkout-prod"} == 0`},
		alertRule{Name: "Static", Query: `absent(x)`, Labels: map[string]string{"job": "shop/checkout-prod"}},
		alertRule{Name: "Other", Query: `up{job="shop/cart-prod"} == 0`},
	)
	w.collect().want(t, "it", map[string]string{"alert.rules": "2"})
}

func TestBadRelabelRulesAreRefused(t *testing.T) {
	text := func(rule string) string {
		return strings.Replace(relabelled, "    regex: (?:.+/)?(.+)-prod\n    target_label: service\n", rule, 1)
	}
	for rule, want := range map[string]string{
		"    regex: (\n    target_label: service\n":              `a.yaml:4: relabel rule 1: regex "(": error parsing regexp`,
		"    regex: (.+)\n":                                      "a.yaml:4: relabel rule 1: target_label is missing",
		"    target_label: service\n    action: repalce\n":       `unknown action "repalce", did you mean "replace"?`,
		"    target_label: service\n    action: keep\n":          "target_label has no meaning with action keep",
		"    action: labeldrop\n    regex: a|b\n":                "source_labels has no meaning with action labeldrop",
		"    target_label: service\n    replace: x\n":            `a.yaml:6: unknown key "replace"`,
		"    target_label: pod\n":                                "its series have no label service",
		"    target_label: service\n  - {target_label: other}\n": "a.yaml:6: relabel rule 2: source_labels is missing",
	} {
		_, err := prometheus.Load(nil, []prometheus.File{{Name: "a.yaml", Data: []byte(text(rule))}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error\n  %v\nwants\n  %s", err, want)
		}
	}
	_, err := prometheus.New(prometheus.Options{
		Name: "main", URL: "http://x", Facts: &prometheus.Facts{}, Relabel: []prometheus.Relabel{{}},
	})
	if err == nil || !strings.Contains(err.Error(), "relabel rule 1: source_labels is missing") {
		t.Errorf("error %v", err)
	}
}
