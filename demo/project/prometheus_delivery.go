package project

import (
	"fmt"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/prometheus"
)

const (
	checkBuilt       = "cicd.built-by-pipeline"
	checkCoverage    = "cicd.test-coverage"
	checkAutomated   = "cicd.deployed-by-automation"
	checkNoDrift     = "cicd.no-drift"
	checkProgressive = "cicd.progressive-delivery"
	checkReverting   = "cicd.self-reverting"
	checkRehearsed   = "cicd.rollback-rehearsed"
	checkFault       = "rel.fault-injected"
)

// sources are the repository, its pipeline and its test coverage. Code that is
// in no catalog is built by Jenkins, which knows services by the job's name.
func (e *exporter) sources() {
	if slug := repository(e.Service); slug != "" {
		owner, name := splitSlug(slug)
		archived := 0.0
		if e.Odd == company.Orphaned {
			archived = 1
		}
		e.put("github_repo_archived", 0, prometheus.Constant(archived), "owner", owner, "name", name)
	}
	e.pipeline()
	if measured(e.Service, checkCoverage) && !e.lacks("coverage", 0.3, checkCoverage) {
		coverage := e.between("coverage", 34, 63)
		if e.Does(checkCoverage) {
			coverage = e.between("coverage", 73, 94)
		}
		e.put(
			"sonarqube_coverage", 0, wave(coverage-0.5, coverage+0.5, 9*24*time.Hour, e.roll("coverage")), "key",
			quality(e.Service),
		)
	}
}

func (e *exporter) pipeline() {
	if e.lacks("pipeline", 0.4, checkBuilt) {
		return
	}
	run := latest(
		time.Duration(e.between("pipeline", 4, 40)*float64(time.Hour)).Truncate(time.Second), e.roll("pipeline run"),
	)
	if !e.Does(checkBuilt) {
		run = e.ago(time.Duration(e.between("last run", 110, 220) * 24 * float64(time.Hour)))
	}
	if slug := repository(e.Service); slug != "" {
		owner, name := splitSlug(slug)
		e.put(
			"github_workflow_run_updated_timestamp", 0, run, "owner", owner, "repo", name, "workflow", "ci", "event", "push",
			"branch", "main", "status", "success",
		)
		return
	}
	job := "platform/" + e.Name + "/main"
	e.put("default_jenkins_builds_last_build_start_time_milliseconds", 0, func(t time.Time) (float64, bool) {
		seconds, ok := run(t)
		return seconds * 1000, ok
	}, "jenkins_job", job)
	e.put("default_jenkins_builds_last_build_result_ordinal", 0, prometheus.Constant(0), "jenkins_job", job)
}

// delivery is what Argo CD says. An application that is out of sync is another
// series than the same one in sync.
func (e *exporter) delivery() {
	if !proves(e.Service, checkAutomated) {
		return
	}
	app := func(sync string, at func(time.Time) (float64, bool)) {
		e.put("argocd_app_info", overAWeek, at, "namespace", "argocd", "name", e.Name, "dest_namespace", namespace(e.Service),
			"project", e.TeamName,
			"repo", "https://git.example.com/example/"+
				e.Name, "sync_status", sync, "health_status", "Healthy", "cluster", cluster)
	}
	if e.Does(checkNoDrift) {
		app("Synced", prometheus.Constant(1))
		return
	}
	phase, drift := e.roll("drift"), time.Duration(e.between("drift for", 2, 6)*float64(time.Hour))
	drifted := func(t time.Time) bool { return since(t, 24*time.Hour, phase) < drift }
	app("Synced", func(t time.Time) (float64, bool) { return 1, !drifted(t) })
	app("OutOfSync", func(t time.Time) (float64, bool) { return 1, drifted(t) })
}

// rollouts are what Argo Rollouts says. Some teams release by canary and let
// nothing judge it.
func (e *exporter) rollouts() {
	ns, proved := namespace(e.Service), proves(e.Service, checkProgressive)
	if !proved && !(refutes(e.Service, checkProgressive) && !e.Does(checkReverting) && e.chance("canary by eye", 0.2)) {
		return
	}
	e.put(
		"rollout_info", 0, prometheus.Constant(1), "namespace", ns, "name", e.Name, "strategy", "canary", "phase", "Healthy",
		"cluster", cluster,
	)
	if !proved {
		return
	}
	revision := 2 + int(e.roll("revision")*90)
	e.put(
		"analysis_run_info", 0, prometheus.Constant(1), "namespace", ns, "name",
		fmt.Sprintf("%s-%s-%d-2", e.Name, "7d9f8b6c5", revision), "phase", "Successful", "cluster", cluster,
	)
	events := []string{"namespace", ns, "name", e.Name, "type", "Normal", "cluster", cluster}
	e.put(
		"rollout_events_total", 0, e.every(31*time.Hour, e.roll("rollout")), append(events, "reason", "RolloutCompleted")...,
	)
	aborted := prometheus.Constant(0)
	if e.Does(checkReverting) && e.Does(checkRehearsed) {
		aborted = e.every(4*24*time.Hour, e.roll("abort"))
	}
	e.put("rollout_events_total", 0, aborted, append(events, "reason", "RolloutAborted")...)
}

// experiments are what Litmus says of those that broke something on purpose
// today.
func (e *exporter) experiments() {
	if e.Does(checkFault) && e.chance("litmus", 0.4) {
		e.put("litmuschaos_experiment_verdict", 0, prometheus.Constant(1), "app_namespace", namespace(e.Service), "app_label",
			"app="+e.Name,
			"chaosresult_name", e.Name+"-pod-delete", "chaosresult_verdict", "Pass", "cluster", cluster)
	}
}
