package correlation

import (
	"time"

	"github.com/prodready/collector/evidence"
)

// NoiseClass is a class of incidents that were not worth a page. The classes overlap,
// and are not to be summed.
type NoiseClass int

// The classes of noise.
const (
	// Noisy were resolved by an integration within NoisyWithin, and never acknowledged.
	Noisy NoiseClass = iota
	// Suspected were acknowledged by a person and then resolved by an integration,
	// without a note, a reassignment by a person or a ticket: it seems that there was
	// nothing to do.
	Suspected
	// Flapping came again within FlappingWithin; the first is not.
	Flapping
	// ConfirmedFalse are those of which a person said that nothing was wrong.
	ConfirmedFalse
	// AnyNoise are those in at least one of the classes.
	AnyNoise
	noiseClasses
)

// NoisyWithin is the longest that a noisy incident lasts.
const NoisyWithin = 5 * time.Minute

// NoiseClasses lists the classes, AnyNoise last.
func NoiseClasses() []NoiseClass {
	return []NoiseClass{Noisy, Suspected, Flapping, ConfirmedFalse, AnyNoise}
}

// String is the label of metrics: confirmed_false.
func (c NoiseClass) String() string {
	return [...]string{"noisy", "suspected", "flapping", "confirmed_false", "any_noise"}[c]
}

// Noise counts incidents that paged somebody, by class.
type Noise struct {
	// All is the number of those whose acknowledgements are known: the others are in no
	// class, and Unclassified of them.
	All          int
	Unclassified int
	// Counts has the number of All that are in each class, and Unknown that of those of
	// which it is not known: each count may be so much larger.
	Counts, Unknown [noiseClasses]int
}

// Of is the number in a class, and how many may be in it that are not known.
func (n *Noise) Of(c NoiseClass) (count, unknown int) { return n.Counts[c], n.Unknown[c] }

// add counts an incident that paged, as it was at a time.
func (n *Noise) add(in *Incident, sign int, at time.Time) {
	if !in.AcksKnown {
		n.Unclassified += sign
		return
	}
	n.All += sign
	for class, answer := range in.noise(at) {
		switch answer {
		case evidence.Yes:
			n.Counts[class] += sign
		case evidence.Unknown:
			n.Unknown[class] += sign
		}
	}
}

// Noise says of an incident that paged, and whose acknowledgements are known, which
// classes it is in, as known at a time. It is in none for others.
func (i *Incident) Noise(at time.Time) (classes [noiseClasses]evidence.Answer, classified bool) {
	if !i.Urgent || !i.AcksKnown || i.Maintenance {
		return classes, false
	}
	return i.noise(at), true
}

func (i *Incident) noise(at time.Time) [noiseClasses]evidence.Answer {
	var is [noiseClasses]evidence.Answer
	byIntegration := evidence.AnswerOf(i.Resolver == evidence.ResolverIntegration)
	switch {
	case i.Open(at):
		byIntegration = evidence.No
	case i.Resolver == evidence.ResolverUnknown:
		byIntegration = evidence.Unknown
	}
	acknowledged := evidence.AnswerOf(!i.AcknowledgedAt.IsZero())
	short := evidence.Unknown
	if !i.EndUnknown {
		short = evidence.AnswerOf(i.ResolvedAt.Sub(i.StartedAt) <= NoisyWithin)
	}
	handled := evidence.AnswerOf(i.Notes > 0 || i.Reassignments > 0).Or(i.HasTicket)
	is[Noisy] = byIntegration.And(acknowledged.Not(), short)
	is[Suspected] = byIntegration.And(acknowledged, handled.Not())
	is[Flapping] = evidence.AnswerOf(i.Flapping)
	is[ConfirmedFalse] = i.FalseAlarm
	is[AnyNoise] = is[Noisy].Or(is[Suspected], is[Flapping], is[ConfirmedFalse])
	return is
}
