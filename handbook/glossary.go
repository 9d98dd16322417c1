package handbook

// glossary is the page about the words that the other pages use.
func glossary() Page {
	t := table{head: []string{"Word", "Meaning"}}
	for _, entry := range [][2]string{
		{"attestation", "A dated statement of a person on a ticket of the readiness review that a check is met, with a link to " +
			"the evidence. It is good for a limited time."},
		{"badge", "Bronze, Silver, Gold, Platinum or Diamond: the level that every module that applies has reached."},
		{"catalog", "The list of services with their owners, tiers, and where the sources know them."},
		{"check", "One requirement of the framework, with a level from 1 to 5."},
		{"contradiction", "Fresh evidence that says no, while missing evidence is taken as yes. Only it withdraws a badge."},
		{"deciding proof", "A proof whose no is final: nothing weaker is asked."},
		{"dwell", "How long a contradiction must last before it costs a badge."},
		{"effort", "How long the remediation takes a team: hours, days or weeks."},
		{"exemption", "A dated decision that a check does not count for a service, with reason, approver and expiry."},
		{"fact", "A named and typed observation that a source makes about a service, such as a number of people on call."},
		{"hold", "A badge is on hold while there is neither proof nor contradiction."},
		{"lapse", "What a badge does that was on hold for too long while the sources answered."},
		{"level", "How far a module has come: every check of this level and of those below passes or is exempt."},
		{"machine", "A source that observes: PagerDuty or a Prometheus server."},
		{"module", "One area of readiness, such as observability."},
		{"proof", "One way to judge a check, an expression over facts. The strongest is asked first: machine, ticket, catalog, " +
			"attestation."},
		{"scheduled", "A check that is judged and shown, and counts from a later date on."},
		{"sufficient proof", "A proof whose yes is enough, and whose no asks the next one."},
		{"target", "The badge that a service should hold: that of the configuration, else that for its tier."},
		{"threshold", "The number that a proof compares a fact with."},
		{"tier", "How much depends on a service, from 1 (customers and revenue, at any hour) to 4 (best effort)."},
		{"unknown", "The verdict when missing evidence could change it. It is neither pass nor fail."},
		{"weight", "How much a check counts in the score of its module and of the service."},
	} {
		t.rows = append(t.rows, []line{plain("%s", entry[0]), plain("%s", entry[1])})
	}
	return Page{Path: glossaryPath, Name: "glossary", title: "Glossary of the readiness framework", blocks: []block{t}}
}
