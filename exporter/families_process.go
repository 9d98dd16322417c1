package exporter

// The live families, as an index of processFamilies.
const (
	runsTotal = iota
	runDuration
	requestsTotal
	requestDuration
	rateLimit
	rateLimitRemaining
	circuitOpen
	clockOffset
	clockInDoubt
	tokenExpiry
	lastSuccess
	skippedRecords
	evaluationDuration
	evaluationsTotal
	expressionErrors
	reloadSuccess
	reloadTimestamp
	storeBytes
	buildInfo
)

// ProcessGroup lists the live families of the collector itself, which change
// between evaluations and are kept by client_golang. Their names begin with
// collector_, or are build_info, so that none can clash with a rendered family.
func ProcessGroup() Group {
	return Group{
		Title: "The collector itself",
		Intro: "These are live and served even when there is no snapshot. " +
			"Beside them are the usual `go_*` and `process_*` families of client_golang.",
		Families: processFamilies(),
	}
}

func processFamilies() []Family {
	return completed([]Family{
		runsTotal: {
			Name: "collector_runs_total", Labels: []string{"source", "outcome"},
			Help: "Rounds of a source by outcome: success, partial, failure, or skipped because the last one was still running.",
		},
		runDuration: {
			Name: "collector_run_duration_seconds", Kind: Histogram, Labels: []string{"source"},
			Help: "How long the rounds of a source took.",
		},
		requestsTotal: {
			Name: "collector_requests_total", Labels: []string{"source", "call", "reason"},
			Help:     "Requests to a source by endpoint and by why they failed; the reason is ok for those that did not.",
			Presence: "the endpoint was called",
		},
		requestDuration: {
			Name: "collector_request_duration_seconds", Kind: Histogram, Labels: []string{"source", "call"},
			Help:     "How long requests to a source took, by endpoint.",
			Presence: "the endpoint was called",
		},
		rateLimit: {
			Name: "collector_rate_limit", Labels: []string{"source"},
			Help:     "Requests that the source allows in one of its own windows, as it last said.",
			Presence: "the source tells",
		},
		rateLimitRemaining: {
			Name: "collector_rate_limit_remaining", Labels: []string{"source"},
			Help:     "Requests left in the source's current window, as it last said.",
			Presence: "the source tells",
		},
		circuitOpen: {
			Name: "collector_circuit_open", Labels: []string{"source"},
			Help: "1 while requests to the source are left unsent because too many in a row have failed, else 0.",
		},
		clockOffset: {
			Name: "collector_clock_offset_seconds", Labels: []string{"source"},
			Help: "By how much this machine's clock is ahead of the source's by its last answer, below zero behind it. " +
				"Beyond two hours nothing of the source's answers is stored.",
			Presence: "the source has answered with a Date",
		},
		clockInDoubt: {
			Name: "collector_clock_in_doubt",
			Help: "1 while this machine's clock is probably wrong, so that nothing old is deleted, else 0.",
		},
		tokenExpiry: {
			Name: "collector_token_expiry_timestamp_seconds", Labels: []string{"source"},
			Help:     "When the credential of the source expires, as the configuration says, as a Unix time.",
			Presence: "token_expires is configured",
		},
		lastSuccess: {
			Name: "collector_last_success_timestamp_seconds", Labels: []string{"source"},
			Help:     "When the last round of the source succeeded, as a Unix time.",
			Presence: "a round has succeeded",
		},
		skippedRecords: {
			Name: "collector_skipped_records_total", Labels: []string{"source", "kind"},
			Help:     "Objects of a source that could not be decoded, by their kind.",
			Presence: "one was skipped",
		},
		evaluationDuration: {
			Name: "collector_evaluation_duration_seconds", Kind: Histogram,
			Help: "How long it took to judge all services and make a snapshot.",
		},
		evaluationsTotal: {
			Name: "collector_evaluations_total", Labels: []string{"outcome"},
			Help: "Evaluations by outcome: success or failure.",
		},
		expressionErrors: {
			Name: "collector_expression_errors_total", Labels: []string{"check"},
			Help: "Run-time errors of the expressions of a check, each of which makes it unknown for a service.",
		},
		reloadSuccess: {
			Name: "collector_reload_success",
			Help: "1 if the last load of the configuration succeeded, else 0; the old one is kept then.",
		},
		reloadTimestamp: {
			Name:     "collector_reload_timestamp_seconds",
			Help:     "When the configuration was last loaded with success, as a Unix time.",
			Presence: "a load has succeeded",
		},
		storeBytes: {
			Name:     "collector_store_bytes",
			Help:     "Size of the database: of SQLite its file, of PostgreSQL everything in the database, other tables in it too.",
			Presence: "it was measured: at the start and every minute",
		},
		buildInfo: {
			Name: "build_info", Labels: []string{"version", "revision", "goversion"},
			Help: "The running program; always 1.",
		},
	})
}
