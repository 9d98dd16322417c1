package evidence

// Reason classifies a failed call. The set is closed: retries, a metric label and
// logs use it.
type Reason string

// The reasons of a failed call.
const (
	ReasonUnauthorized Reason = "unauthorized" // 401: the credential is not accepted
	ReasonForbidden    Reason = "forbidden"    // 403: the credential lacks a scope
	ReasonNotFound     Reason = "not_found"    // 404
	ReasonGone         Reason = "gone"         // 410: the endpoint was removed
	ReasonRateLimited  Reason = "rate_limited" // 429 after all retries
	ReasonRejected     Reason = "rejected"     // any other 4xx: the request itself is wrong
	ReasonServerError  Reason = "server_error" // 5xx after all retries
	ReasonTimeout      Reason = "timeout"      // no answer in time
	ReasonUnreachable  Reason = "unreachable"  // no connection, or reset
	ReasonUndecodable  Reason = "undecodable"  // an answer that cannot be decoded
	ReasonTooLarge     Reason = "too_large"    // an answer beyond the size limit
	ReasonCanceled     Reason = "canceled"     // the collector stopped the call
	ReasonStore        Reason = "store"        // the answer could not be stored
	ReasonIncomplete   Reason = "incomplete"   // a listing ended early or contradicted itself
	ReasonCircuitOpen  Reason = "circuit_open" // not sent: the circuit breaker is open
	ReasonClock        Reason = "clock"        // this machine's clock and the server's differ
)

// Reasons lists the closed set, for metrics that are born at zero.
func Reasons() []Reason {
	return []Reason{
		ReasonUnauthorized, ReasonForbidden, ReasonNotFound, ReasonGone, ReasonRateLimited,
		ReasonRejected, ReasonServerError, ReasonTimeout, ReasonUnreachable, ReasonUndecodable,
		ReasonTooLarge, ReasonCanceled, ReasonStore, ReasonIncomplete,
		ReasonCircuitOpen, ReasonClock,
	}
}

// Remedy says what a person can do about the reason.
func (r Reason) Remedy() string {
	switch r {
	case ReasonUnauthorized:
		return "check that the credential is valid and belongs to this endpoint"
	case ReasonForbidden:
		return "give the credential the scope or permission that docs/sources.md lists"
	case ReasonNotFound, ReasonGone:
		return "check the address in the configuration; for Jira the deployment type (cloud or datacenter), too"
	case ReasonRateLimited:
		return "widen the schedule or lower the rate limit share"
	case ReasonRejected:
		return "check the query or parameters in the configuration"
	case ReasonTimeout:
		return "raise the timeout or look at the server's load"
	case ReasonUnreachable:
		return "check the address, the proxy and the network"
	case ReasonCircuitOpen:
		return "look at the failures before it, which are the cause"
	case ReasonClock:
		return "set this machine's clock, or the server's; until then nothing of its answers is stored"
	case ReasonTooLarge:
		return "raise max_response_bytes or narrow the query"
	}
	return "it is tried again on the next schedule"
}
