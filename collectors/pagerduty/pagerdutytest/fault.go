package pagerdutytest

import "github.com/prodready/collector/internal/fault"

// Fault is something that goes wrong with the answers to a call.
type Fault = fault.Fault

// Inject makes a fault happen until Heal. Of several that match a request the
// first injected wins.
func (s *Server) Inject(f Fault) { s.faults.Inject(f) }

// Heal ends all faults.
func (s *Server) Heal() { s.faults.Heal() }
