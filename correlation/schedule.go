package correlation

import (
	"container/heap"
	"math"
	"time"
)

// schedule lists items with the time at which each has to be looked at, the earliest
// first. An item that is no longer of interest stays until its time: whoever takes it
// has to know.
type schedule[T any] struct{ due dueItems[T] }

// dueItem has its time in nanoseconds, which is a third of a time.Time.
type dueItem[T any] struct {
	at   int64
	item T
}

// add puts an item on the schedule.
func (s *schedule[T]) add(at time.Time, item T) { heap.Push(&s.due, dueItem[T]{nanoseconds(at), item}) }

// nanoseconds are those since 1970. What has too many for a number is as far away as one
// can say.
func nanoseconds(at time.Time) int64 {
	switch year := at.Year(); {
	case year > 2261:
		return math.MaxInt64
	case year < 1678:
		return math.MinInt64
	}
	return at.UnixNano()
}

// next takes the earliest item, if its time is one for which due is true.
func (s *schedule[T]) next(due func(at time.Time) bool) (item T, ok bool) {
	if len(s.due) == 0 || !due(time.Unix(0, s.due[0].at)) {
		return item, false
	}
	first, _ := heap.Pop(&s.due).(dueItem[T])
	return first.item, true
}

// dueItems implements heap.Interface.
type dueItems[T any] []dueItem[T]

func (d dueItems[T]) Len() int           { return len(d) }
func (d dueItems[T]) Less(i, j int) bool { return d[i].at < d[j].at }
func (d dueItems[T]) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push is called by the package heap.
func (d *dueItems[T]) Push(item any) {
	if due, ok := item.(dueItem[T]); ok {
		*d = append(*d, due)
	}
}

// Pop is called by the package heap.
func (d *dueItems[T]) Pop() any {
	last := len(*d) - 1
	item := (*d)[last]
	(*d)[last] = dueItem[T]{}
	*d = (*d)[:last]
	return item
}
