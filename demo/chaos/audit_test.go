package chaos_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// audit is what the database itself notes, by its own clock: who judges, who leads, and
// who does which round.
type audit struct {
	t  *testing.T
	db *sql.DB
}

const auditSchema = `
CREATE SCHEMA chaos;
CREATE TABLE chaos.notes (
	id BIGINT GENERATED ALWAYS AS IDENTITY, at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
	by TEXT NOT NULL DEFAULT current_setting('application_name'), what TEXT NOT NULL, source BIGINT, run BIGINT
);
CREATE INDEX ON chaos.notes (what, source, at);
CREATE FUNCTION chaos.judged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO chaos.notes (what) VALUES ('judged'); RETURN NULL; END $$;
CREATE FUNCTION chaos.round() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO chaos.notes (what, source, run) VALUES ('began', NEW.source_id, NEW.id); RETURN NULL; END $$;
CREATE FUNCTION chaos.stored() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO chaos.notes (what, source, run) VALUES ('stored', NEW.source_id, NEW.run_id); RETURN NULL; END $$;
CREATE FUNCTION chaos.led() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO chaos.notes (what) VALUES ('led'); RETURN NULL; END $$;
CREATE TRIGGER chaos AFTER INSERT OR UPDATE ON judgement FOR EACH ROW EXECUTE FUNCTION chaos.judged();
CREATE TRIGGER chaos AFTER INSERT ON runs FOR EACH ROW EXECUTE FUNCTION chaos.round();
CREATE TRIGGER chaos AFTER INSERT OR UPDATE ON coverage FOR EACH ROW EXECUTE FUNCTION chaos.stored();
`

// newAudit makes a database take notes.
func newAudit(t *testing.T, database string) *audit {
	t.Helper()
	a := &audit{t: t, db: open(t, database)}
	if _, err := a.db.ExecContext(t.Context(), auditSchema); err != nil {
		t.Fatal(err)
	}
	return a
}

// installQueue makes it note who leads. The queue has its tables once a replica runs.
func (a *audit) installQueue() {
	a.t.Helper()
	if _, err := a.db.ExecContext(a.t.Context(), `CREATE TRIGGER chaos AFTER INSERT OR UPDATE ON river_leader
		FOR EACH ROW EXECUTE FUNCTION chaos.led()`); err != nil {
		a.t.Fatal(err)
	}
}

// ask reads rows. While the database stops or starts it asks again, on the real clock,
// since the database is another process.
func (a *audit) ask(each func(scan func(...any) error) error, query string, args ...any) {
	a.t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = a.read(each, query, args...); err == nil {
			return
		}
		var coded *pgconn.PgError
		if errors.As(err, &coded) && !strings.HasPrefix(coded.Code, "57P") { // it stops or starts
			break
		}
	}
	a.t.Fatalf("%s: %v", query, err)
}

func (a *audit) read(each func(scan func(...any) error) error, query string, args ...any) (err error) {
	rows, err := a.db.QueryContext(a.t.Context(), query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	for err == nil && rows.Next() {
		err = each(rows.Scan)
	}
	return err
}

// now is the time of the database.
func (a *audit) now() (at time.Time) {
	a.t.Helper()
	a.ask(func(scan func(...any) error) error { return scan(&at) }, `SELECT clock_timestamp()`)
	return at
}

// last is who has last judged or led; empty for none.
func (a *audit) last(what string) (by string) {
	a.t.Helper()
	a.ask(func(scan func(...any) error) error { return scan(&by) },
		`SELECT by FROM chaos.notes WHERE what = $1 ORDER BY id DESC LIMIT 1`, what)
	return by
}

// orphans is how many tasks were begun before a time and are not done a second after it,
// which is much longer than a round lasts: those of a process that was killed then.
func (a *audit) orphans(killed time.Time) (n int) {
	a.t.Helper()
	time.Sleep(time.Second)
	a.ask(func(scan func(...any) error) error { return scan(&n) },
		`SELECT count(*) FROM river_job WHERE state = 'running' AND attempted_at <= $1`, killed)
	return n
}

// collects reports whether a replica is in the middle of a round.
func (a *audit) collects(by string) (rounds int) {
	a.t.Helper()
	a.ask(func(scan func(...any) error) error { return scan(&rounds) }, `SELECT count(*) FROM runs JOIN chaos.notes
		ON run = runs.id AND what = 'began' WHERE finished_at IS NULL AND by = $1`, by)
	return rounds
}

// noted is how many sources have been asked since the notes began.
func (a *audit) noted() (n int) {
	a.t.Helper()
	a.ask(func(scan func(...any) error) error { return scan(&n) },
		`SELECT count(DISTINCT source) FROM chaos.notes WHERE what = 'began'`)
	return n
}

// sources are the ids of the sources by name.
func (a *audit) sources() map[string]int64 {
	a.t.Helper()
	found := map[string]int64{}
	a.ask(func(scan func(...any) error) error {
		var id int64
		var name string
		err := scan(&id, &name)
		if !strings.HasPrefix(name, "catalog") {
			found[name] = id
		}
		return err
	}, `SELECT id, name FROM sources WHERE id IN (SELECT source_id FROM runs)`)
	return found
}

// gaps are the longest times between two judgements, and between the beginnings of two
// rounds of a source, of those that end after a time. known is false as long as there
// was no judgement, or no round of a source, since until.
func (a *audit) gaps(from, until time.Time) (judging, rounds time.Duration, known bool) {
	a.t.Helper()
	judging, known = a.gap(from, until, `what = 'judged'`)
	for _, id := range a.sources() {
		longest, ok := a.gap(from, until, fmt.Sprintf(`what = 'began' AND source = %d`, id))
		rounds, known = max(rounds, longest), known && ok
	}
	return judging, rounds, known
}

func (a *audit) gap(from, until time.Time, which string) (longest time.Duration, known bool) {
	var seconds, end sql.NullFloat64
	a.ask(func(scan func(...any) error) error { return scan(&seconds, &end) }, `
		SELECT max(gap), max(after) FROM (SELECT
			extract(epoch FROM at - lag(at) OVER (ORDER BY id))::float8 AS gap, at,
			extract(epoch FROM lag(at) OVER (ORDER BY id) - $2::timestamptz)::float8 AS before,
			extract(epoch FROM at - $2::timestamptz)::float8 AS after
			FROM chaos.notes WHERE `+which+`) AS g
		WHERE at > $1::timestamptz AND before <= 0`, from, until)
	return time.Duration(seconds.Float64 * float64(time.Second)), end.Valid && end.Float64 > 0
}

// reached reports whether the database has what a step leads to. It is false while the
// database is away.
func (a *audit) reached(ctx context.Context, w want) bool {
	var badge, incidents int
	err := a.db.QueryRowContext(ctx, `SELECT (SELECT badge FROM badges WHERE service_id = services.id),
		(SELECT count(*) FROM incidents) FROM services WHERE name = $1`, w.service).Scan(&badge, &incidents)
	return err == nil && badge == w.badge && incidents == w.incidents
}

// outcome is what a fleet leaves, in lines: nothing in it depends on when exactly
// something was seen.
func (a *audit) outcome() string {
	a.t.Helper()
	var lines []string
	list := func(head, query string) {
		a.ask(func(scan func(...any) error) error {
			var line string
			err := scan(&line)
			lines = append(lines, head+": "+line)
			return err
		}, query)
	}
	list("transition", `SELECT concat_ws(' ', name, from_badge, to_badge, direction, cause, contributing, announced, (
			SELECT string_agg(concat_ws(' ', f->>'check', f->>'before', f->>'after'), ', ')
			FROM json_array_elements(CASE json_typeof(flips::json) WHEN 'array' THEN flips::json ELSE '[]' END) AS f))
		FROM transitions JOIN services ON services.id = service_id ORDER BY name, seq, ord`)
	list("counter", `SELECT concat_ws(' ', direction, cause, total) FROM transition_counts ORDER BY 1`)
	list("badge", `SELECT concat_ws(' ', name, badge) FROM badges JOIN services ON id = service_id ORDER BY 1`)
	list("check", `SELECT concat_ws(' ', services.name, checks.name, status) FROM check_statuses
		JOIN services ON services.id = service_id JOIN checks ON checks.id = check_id ORDER BY 1`)
	list("fact", `SELECT concat_ws(' ', services.name, facts.name, sources.name, kind, CASE WHEN instant THEN 'at' ELSE num::text END,
		withdrawn) FROM fact_values JOIN services ON services.id = service_id JOIN facts ON facts.id = fact_id
		JOIN sources ON sources.id = source_id ORDER BY 1`)
	list("incident", `SELECT concat_ws(' ', sources.name, incidents.id, issue_key, urgent, severity, gone, resolved_at IS NULL, resolver,
		links, (SELECT string_agg(services.name, ' ' ORDER BY services.name) FROM incident_services
			JOIN services ON services.id = service_id WHERE incident_num = num))
		FROM incidents JOIN sources ON sources.id = source_id ORDER BY 1`)
	return strings.Join(lines, "\n")
}

// doubled are the rounds that were done twice in a period, of those that ended well.
func (a *audit) doubled() (found []string) {
	a.t.Helper()
	// Schedules have whole seconds, and a round may begin a tenth of the period early.
	least := period - time.Second - period/10
	a.ask(func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		found = append(found, line)
		return err
	}, `SELECT concat_ws(' ', name, 'run', run, 'by', by, 'at', at, 'after', gap) FROM (
			SELECT name, run, by, at, extract(epoch FROM at - lag(at) OVER (PARTITION BY source, version ORDER BY at)) AS gap
			FROM chaos.notes JOIN runs ON runs.id = run JOIN sources ON sources.id = source
			WHERE what = 'began' AND finished_at IS NOT NULL AND reason = '') AS g
		WHERE gap < $1 ORDER BY at`, least.Seconds())
	return found
}

// interleaved are the batches that a round has stored after the next one of its source
// had begun.
func (a *audit) interleaved() (found []string) {
	a.t.Helper()
	newest := map[int64]int64{}
	a.ask(func(scan func(...any) error) error {
		var what, by string
		var source, run int64
		err := scan(&what, &by, &source, &run)
		if what == "stored" && run < newest[source] {
			found = append(found,
				fmt.Sprintf("source %d: run %d of %s stored after run %d began", source, run, by, newest[source]))
		}
		newest[source] = max(newest[source], run)
		return err
	}, `SELECT what, by, source, run FROM chaos.notes WHERE what IN ('began', 'stored') AND run > 0 ORDER BY id`)
	return found
}

// state is what the database has noted last, and its queue, for looking at a failure.
func (a *audit) state() string {
	a.t.Helper()
	var lines []string
	for _, query := range []string{
		`SELECT concat_ws(' ', at, by, what, name, run) FROM (SELECT * FROM chaos.notes ORDER BY id DESC LIMIT 60) AS n
			LEFT JOIN sources ON sources.id = source ORDER BY n.id`,
		`SELECT concat_ws(' ', id, state, args, queue, 'created', created_at, 'scheduled', scheduled_at, 'attempted', attempted_at,
			attempted_by) FROM (SELECT * FROM river_job ORDER BY id DESC LIMIT 12) AS j ORDER BY id`,
		`SELECT concat_ws(' ', leader_id, 'elected', elected_at, 'expires', expires_at, 'now', clock_timestamp()) FROM river_leader`,
	} {
		a.ask(func(scan func(...any) error) error {
			var line string
			err := scan(&line)
			lines = append(lines, line)
			return err
		}, query)
	}
	return strings.Join(lines, "\n")
}

// differences are the lines that only one of two outcomes has.
func differences(wanted, got string) string {
	a, b := strings.Split(wanted, "\n"), strings.Split(got, "\n")
	var out []string
	count := func(lines []string) map[string]int {
		n := map[string]int{}
		for _, line := range lines {
			n[line]++
		}
		return n
	}
	inA, inB := count(a), count(b)
	for _, line := range slices.Compact(slices.Sorted(slices.Values(append(a, b...)))) {
		if inA[line] != inB[line] {
			out = append(out, fmt.Sprintf("%d instead of %d: %s", inB[line], inA[line], line))
		}
	}
	if len(out) == 0 && wanted != got {
		out = append(out, "the same lines in another order")
	}
	return strings.Join(out, "\n")
}
