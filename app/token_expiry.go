package app

import (
	"errors"
	"fmt"
	"time"
)

// expiryHint is how long before a credential expires `check` warns.
const expiryHint = 30 * 24 * time.Hour

// expiries are when the configured credentials expire, by source. A day counts
// from its first moment, since the hour is not known.
func (rc *runtimeConfig) expiries() map[string]time.Time {
	when := map[string]time.Time{}
	add := func(kind, name string, day time.Time) {
		if !day.IsZero() {
			when[kind+"/"+name] = day
		}
	}
	sources := rc.config.Sources()
	for _, s := range sources.PagerDuty {
		add("pagerduty", s.Name, s.TokenExpires.Time)
	}
	for _, s := range sources.Jira {
		add("jira", s.Name, s.TokenExpires.Time)
	}
	for _, s := range sources.Prometheus {
		add("prometheus", s.Name, s.TokenExpires.Time)
	}
	return when
}

// expiry says how long a credential still lasts.
func expiry(source string, end, now time.Time) Finding {
	f := Finding{Subject: source + " token"}
	day, left := end.Format(time.DateOnly), end.Sub(now)
	days := int(left / (24 * time.Hour))
	switch {
	case left <= 0:
		f.Err = errors.New("the token has expired")
		f.Text = "it expired on " + day + "; make a new one and correct token_expires"
	case days < 1:
		f.Text = "it expires on " + day + ", within a day: make a new one now"
		f.Warning = true
	case left <= expiryHint:
		f.Text = fmt.Sprintf("it expires on %s, in %d days: make a new one soon", day, days)
		f.Warning = true
	default:
		f.Text = fmt.Sprintf("it expires on %s, in %d days", day, days)
	}
	return f
}
