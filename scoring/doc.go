// Package scoring judges services: evidence and criteria in, scorecards out,
// and from scorecards over time the badges. It is pure: no I/O, no clock, no
// goroutines; the same input gives the same output.
//
// Judge makes one scorecard for each service. Advance moves the badges by one
// judgement. For the badge that a service has, fresh evidence says one of three
// things, and each of them moves other clocks:
//
//	fresh evidence             award clock        contradiction    hold clock
//	                           (higher badges)    clock            (badge held)
//	proves a higher badge      runs               runs back        as one line below
//	proves the badge           ends               runs back        stands; after award_dwell the hold ends
//	allows it, proves it not   ends               stands           begins, and runs while the sources answer
//	contradicts it             ends               runs             stands
//
// A badge changes when a clock is full, or at once for a change that was
// announced before:
//
//	change   when                                                        to                              cause
//	award    award clock at award_dwell, two observations                the badge that is proved        as attributed
//	regress  contradiction clock at the dwell of a check that fails      the highest that is not lost    as attributed
//	lapse    hold clock at lapse_after, or at valid_for of a fact of a   what all valid evidence proves  lapse
//	         check that failed before; never while a source is down
//	first    first judgement, until the sources have answered,           the badge that is proved        initial
//	         for award_dwell at most
//	at once  an exemption began or ended, a check is enforced since      as for award and regress        as attributed
//	         its date, the service was reclassified
//
// Stale evidence counts for the score and holds a badge; it neither awards nor
// withdraws one. A change of the criteria moves a badge through the same clocks.
// It restarts the hold clock only if the badge lacks a check that changed, at
// most once in 90 days.
package scoring
