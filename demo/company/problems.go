package company

import (
	"fmt"
	"strings"
)

// problem is a kind of alert.
type problem struct {
	name string
	// title makes the alert's text; what varies is what monitoring varies.
	title func(d *dice, s *Service) string
}

// problems are what happens to services, the commonest first.
func problems() []problem {
	return []problem{
		{"errors", func(d *dice, s *Service) string {
			return fmt.Sprintf("High error rate on %s: %d.%d%% of requests fail", s.Name, 1+d.IntN(30), d.IntN(10))
		}},
		{"latency", func(d *dice, s *Service) string {
			return fmt.Sprintf("%s p99 latency is %d ms (objective 800 ms)", s.Name, 800+d.IntN(9000))
		}},
		{"dependency", func(d *dice, s *Service) string {
			return fmt.Sprintf("%s cannot reach %s: %d timeouts in 5 min", s.Name, s.DependsOn, 20+d.IntN(900))
		}},
		{"crash-loop", func(d *dice, s *Service) string {
			return fmt.Sprintf("Pod %s is crash looping (%d restarts)", pod(d, s), 4+d.IntN(40))
		}},
		{"memory", func(d *dice, s *Service) string {
			return fmt.Sprintf("Memory of %s at %d%% of its limit", pod(d, s), 90+d.IntN(10))
		}},
		{"queue", func(d *dice, s *Service) string {
			return fmt.Sprintf("Queue of %s holds %d messages, oldest %d s", s.Name, 1000+d.IntN(90000), 300+d.IntN(4000))
		}},
		{"budget", func(d *dice, s *Service) string {
			return fmt.Sprintf("%s burns its error budget %d.%dx too fast", s.Name, 6+d.IntN(20), d.IntN(10))
		}},
		{"saturation", func(d *dice, s *Service) string {
			return fmt.Sprintf("%s runs at its autoscaling ceiling for %d min", s.Name, 10+d.IntN(50))
		}},
		{"disk", func(d *dice, s *Service) string {
			return fmt.Sprintf(
				"Disk of %s on ip-10-%d-%d-%d is %d%% full", s.Name, d.IntN(256), d.IntN(256), d.IntN(256), 90+d.IntN(10),
			)
		}},
		{"replica-lag", func(d *dice, s *Service) string {
			return fmt.Sprintf("Replica of %s lags by %d s", s.DependsOn, 60+d.IntN(3000))
		}},
		{"probe", func(d *dice, s *Service) string {
			// Always from the same place: another one would be another problem.
			place := []string{"fra", "iad", "bom", "syd"}[len(s.Name)%4]
			return fmt.Sprintf("Health check of %s failed %d times from %s", s.Name, 3+d.IntN(12), place)
		}},
		{"deploy", func(d *dice, s *Service) string {
			return fmt.Sprintf("Rollout of %s build %d stalled", s.Name, 1000+d.IntN(9000))
		}},
		{"connections", func(d *dice, s *Service) string {
			return fmt.Sprintf("%s has %d of 200 database connections in use", s.Name, 190+d.IntN(10))
		}},
		{"job", func(d *dice, s *Service) string {
			return fmt.Sprintf("Nightly job of %s failed with exit code %d", s.Name, 1+d.IntN(140))
		}},
		{"throttled", func(d *dice, s *Service) string {
			return fmt.Sprintf("%s is throttled by %s: %d requests refused", s.Name, s.DependsOn, 50+d.IntN(5000))
		}},
		{"node", func(d *dice, s *Service) string {
			return fmt.Sprintf("Node ip-10-%d-%d-%d of %s is not ready", d.IntN(256), d.IntN(256), d.IntN(256), s.Name)
		}},
	}
}

// reports are what people write when they notice first.
func reports() []problem {
	return []problem{
		{"customer-report", func(d *dice, s *Service) string {
			return fmt.Sprintf("Customers report problems with %s (case %d)", s.Name, 10000+d.IntN(89999))
		}},
		{"support-report", func(d *dice, s *Service) string {
			return fmt.Sprintf("Support: %s is slow for %d users", s.Name, 3+d.IntN(200))
		}},
		{"wrong-data", func(d *dice, s *Service) string {
			return fmt.Sprintf("Wrong data shown by %s since release %d", s.Name, 1000+d.IntN(9000))
		}},
		{"partner-report", func(d *dice, s *Service) string {
			return fmt.Sprintf("Partner calls about %s, %d failed calls", s.Name, 5+d.IntN(500))
		}},
	}
}

// pod is the name of one of the service's pods.
func pod(d *dice, s *Service) string {
	const alphabet = "bcdfghjklmnpqrstvwxz2456789"
	word := func(n int) string {
		var out strings.Builder
		for range n {
			out.WriteByte(alphabet[d.IntN(len(alphabet))])
		}
		return out.String()
	}
	return s.Name + "-" + word(9) + "-" + word(5)
}
