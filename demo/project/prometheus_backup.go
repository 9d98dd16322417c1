package project

import (
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/prometheus"
)

const (
	checkBackup   = "data.backed-up"
	checkRestored = "data.restore-tested"
	checkPoint    = "data.recovery-point"
)

// backups are what Velero, pgBackRest and the PostgreSQL exporter say of the
// service's stores.
func (e *exporter) backups() {
	if !e.Stateful {
		return
	}
	if e.Odd != company.Orphaned && measured(e.Service, checkBackup) && !e.lacks("backup exporter", 0.3, checkBackup) {
		e.backup()
	}
	if measured(e.Service, checkPoint) && !e.lacks("database exporter", 0.3, checkPoint) {
		age := wave(20, 260, 20*time.Minute, e.roll("archive"))
		if !e.Does(checkPoint) {
			phase := e.roll("archive gap")
			age = func(t time.Time) (float64, bool) {
				// For an hour every night archiving waits for a batch job.
				if stuck := since(t, 24*time.Hour, phase); stuck < 70*time.Minute {
					return stuck.Seconds(), true
				}
				return 30, true
			}
		}
		e.put(
			"pg_stat_archiver_last_archive_age", 0, age, "job", "postgres", "namespace", namespace(e.Service), "instance",
			database(e.Service), "cluster", cluster,
		)
	}
}

func (e *exporter) backup() {
	phase, late := e.roll("backup"), time.Duration(e.between("late backup", 45, 300)*float64(time.Hour))
	plan := schedule(e.seed, e.Service)
	if plan == "" {
		since := func(t time.Time) (float64, bool) {
			if e.Does(checkBackup) {
				return since(t, 24*time.Hour, phase).Seconds(), true
			}
			return (late + t.Sub(e.start)).Seconds(), true
		}
		e.put("pgbackrest_backup_since_last_completion_seconds", 0, since, "stanza", e.Name, "backup_type", "full")
		return
	}
	at := latest(24*time.Hour, phase)
	if !e.Does(checkBackup) {
		at = e.ago(late)
	}
	e.put("velero_backup_last_successful_timestamp", 0, at, "schedule", plan, "namespace", "velero", "cluster", cluster)
	restores := prometheus.Constant(0)
	if e.Does(checkRestored) && e.chance("restores often", 0.6) {
		restores = e.every(20*time.Hour, e.roll("restore"))
	}
	e.put("velero_restore_success_total", 0, restores, "schedule", plan, "namespace", "velero", "cluster", cluster)
}
