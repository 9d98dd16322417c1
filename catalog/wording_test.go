package catalog

import "testing"

func TestWordingIsThatOfTheEntry(t *testing.T) {
	for _, c := range []struct{ text, inline, backstage string }{
		{"Write `github: org/repo` and its `team`.", "Write `github: org/repo` and its `team`.",
			"Write `github.com/project-slug: org/repo` and its `spec.owner`."},
		{"Name it as `jobs.restore_check`.", "Name it as `jobs.restore_check`.", "Name it as `readiness/job-restore-check`."},
		{"Add label `data-classification`; `argocd app diff` and `argocd/x` stay.",
			"Add label `data_class`; `argocd app diff` and `argocd/x` stay.",
			"Add label `data-classification`; `argocd app diff` and `argocd/x` stay."},
		{"Add grafana/dashboard-selector to the dashboard.", "Add dashboard to the dashboard.",
			"Add grafana/dashboard-selector to the dashboard."},
	} {
		for source, want := range map[EntrySource]string{
			SourceInline: c.inline, SourcePagerDuty: c.inline, SourceBackstage: c.backstage,
		} {
			if got := (&Service{Source: source}).Wording().Text(c.text); got != want {
				t.Errorf("%s: got %s, want %s", source, got, want)
			}
		}
	}
	words := (&Service{Source: SourceBackstage}).Wording()
	got := words.Keys("kubernetes.namespace and kubernetes.workload or prometheus.matchers")
	if want := "backstage.io/kubernetes-namespace and backstage.io/kubernetes-id or readiness/prometheus"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
