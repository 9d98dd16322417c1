package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/robfig/cron/v3"
)

// every is the descriptor of a constant interval.
const every = "@every "

// maxInterval bounds constant intervals: a result that is read less often
// than once a year is no evidence.
const maxInterval = 366 * 24 * time.Hour

// ParseSchedule reads when a job starts. It accepts the five fields of cron
// (minute, hour, day of month, month, day of week), six with seconds in front,
// the descriptors @hourly, @daily, @weekly, @monthly and @yearly, and @every
// with a duration of whole seconds. Times are in UTC unless the text begins
// with a time zone: CRON_TZ=Europe/Berlin 0 6 * * *.
//
// A schedule that never fires is an error.
func ParseSchedule(spec string) (cron.Schedule, error) {
	zone, rest, err := splitZone(strings.TrimSpace(spec))
	if err != nil {
		return nil, fmt.Errorf("the schedule %q: %w", spec, err)
	}
	if after, ok := strings.CutPrefix(rest, strings.TrimSpace(every)); ok {
		schedule, err := parseEvery(after)
		if err != nil {
			return nil, fmt.Errorf("the schedule %q: %w", spec, err)
		}
		return schedule, nil
	}
	parser := cron.NewParser(
		cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor,
	)
	// The zone is always given: without one the parser takes the machine's.
	schedule, err := parser.Parse("CRON_TZ=" + zone + " " + rest)
	if err != nil {
		return nil, fmt.Errorf("the schedule %q: %w; write it like */5 * * * * or @every 5m", spec, err)
	}
	if fields, ok := schedule.(*cron.SpecSchedule); ok && !fires(fields) {
		return nil, fmt.Errorf("the schedule %q never fires; choose a day that exists", spec)
	}
	return schedule, nil
}

// splitZone takes the time zone off the front. The parser panics on one that
// nothing follows.
func splitZone(spec string) (zone, rest string, err error) {
	if spec == "" {
		return "", "", errors.New("it is empty; write it like */5 * * * * or @every 5m")
	}
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		after, ok := strings.CutPrefix(spec, prefix)
		if !ok {
			continue
		}
		i := strings.IndexAny(after, " \t")
		if i < 0 {
			return "", "", errors.New("there is nothing after the time zone; put a space and the fields behind it")
		}
		if after[:i] == "" {
			return "", "", errors.New("the time zone is empty; name one or leave it out for UTC")
		}
		if _, err := time.LoadLocation(after[:i]); err != nil {
			return "", "", fmt.Errorf("the time zone %q is not known; use a name such as Europe/Berlin", after[:i])
		}
		return after[:i], strings.TrimSpace(after[i:]), nil
	}
	return "UTC", spec, nil
}

// parseEvery reads the interval of @every. The parser would round anything
// under a second, negative ones too, up to a second.
func parseEvery(text string) (cron.Schedule, error) {
	if text == "" || text[0] != ' ' {
		return nil, errors.New("write it like @every 5m")
	}
	text = strings.TrimSpace(text)
	interval, err := time.ParseDuration(text)
	if err != nil {
		days, dayErr := model.ParseDuration(text)
		if dayErr != nil {
			return nil, errors.New("the interval is not a duration; write it like @every 90s or @every 1h30m")
		}
		interval = time.Duration(days)
	}
	switch {
	case interval < time.Second:
		return nil, errors.New("the interval is shorter than a second; use 1s or more")
	case interval > maxInterval:
		return nil, errors.New("the interval is longer than a year; use 366d or less")
	case interval%time.Second != 0:
		return nil, errors.New("the interval is not a whole number of seconds; round it")
	}
	return cron.ConstantDelaySchedule{Delay: interval}, nil
}

// scheduleEpoch is a fixed moment that schedules are tried at, so that what is
// valid today is valid tomorrow. A leap day is within its reach.
func scheduleEpoch() time.Time { return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC) }

// fires reports whether the schedule ever does. A field that names nothing
// ("," is one) would keep the search busy for long.
func fires(s *cron.SpecSchedule) bool {
	if slices.Contains([]uint64{s.Second, s.Minute, s.Hour, s.Dom, s.Month, s.Dow}, 0) {
		return false
	}
	day := *s
	day.Second, day.Minute, day.Hour = 1, 1, ^uint64(0)
	return !day.Next(scheduleEpoch()).IsZero()
}

// gapHorizon is how far ahead LongestGap looks: over every month and weekday.
const gapHorizon = 400 * 24 * time.Hour

// maxSamples bounds LongestGap for schedules of a kind it does not know.
const maxSamples = 10_000

// LongestGap is the longest time between two starts of the schedule in the 400
// days after from; for a schedule that fires less often, the time between the
// first two. It is 0 for a schedule that fires less than twice.
func LongestGap(schedule cron.Schedule, from time.Time) time.Duration {
	switch s := schedule.(type) {
	case cron.ConstantDelaySchedule:
		return s.Delay
	case *cron.SpecSchedule:
		return longestGapOfFields(s, from)
	}
	var longest time.Duration
	previous := schedule.Next(from)
	for range maxSamples {
		next := schedule.Next(previous)
		if previous.IsZero() || next.IsZero() || (longest > 0 && next.Sub(from) > gapHorizon) {
			break
		}
		longest = max(longest, next.Sub(previous))
		previous = next
	}
	return longest
}

// longestGapOfFields looks at days only: within a day the starts are the same
// on every day, and a schedule with seconds has millions of them a year.
func longestGapOfFields(s *cron.SpecSchedule, from time.Time) time.Duration {
	first, last, longest := startsOfDay(s)
	if first < 0 {
		return 0
	}
	days := *s
	days.Second, days.Minute, days.Hour = 1<<(first%60), 1<<(first/60%60), 1<<(first/3600)
	previous := days.Next(from)
	for pairs := 0; !previous.IsZero(); pairs++ {
		next := days.Next(previous)
		if next.IsZero() || (pairs > 0 && next.Sub(from) > gapHorizon) {
			break
		}
		gap := next.Sub(previous) - time.Duration(last-first)*time.Second
		longest = max(longest, gap)
		previous = next
	}
	return longest
}

// startsOfDay returns the first and the last start within a day, in seconds
// after midnight, and the longest time between two; first is -1 without any.
func startsOfDay(s *cron.SpecSchedule) (first, last int, longest time.Duration) {
	first = -1
	for second := range 24 * 3600 {
		if s.Hour&(1<<(second/3600)) == 0 || s.Minute&(1<<(second/60%60)) == 0 || s.Second&(1<<(second%60)) == 0 {
			continue
		}
		if first < 0 {
			first = second
		} else {
			longest = max(longest, time.Duration(second-last)*time.Second)
		}
		last = second
	}
	return first, last, longest
}
