package scaffold

import (
	"slices"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/report"
)

// A hint for a key that the entry has already says that it replaces the line.
func TestAHintForAKeyThatIsThereReplacesIt(t *testing.T) {
	s := draftService{Service: catalog.Service{Name: "ledger", Kubernetes: catalog.KubernetesRef{Namespace: "bank"},
		Backup: catalog.BackupRef{PostgresInstance: "ledger-db:5432"}}}
	s.gaps = []report.Gap{
		{CatalogKey: "backup.velero_schedule", Checks: []string{"data.backed-up"}},
		{CatalogKey: "kubernetes.workload", Checks: []string{"rel.stable"}},
		{CatalogKey: "jobs.retention", Checks: []string{"data.deleted"}},
	}
	want := []string{
		"in place of kubernetes above: kubernetes: {namespace: bank, workload: ledger} # rel.stable",
		"in place of backup above: backup: {postgres_instance: ledger-db:5432, velero_schedule: VELERO_SCHEDULE} " +
			"# data.backed-up",
		"jobs: {retention: RETENTION} # data.deleted",
	}
	if got := s.Commented(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
