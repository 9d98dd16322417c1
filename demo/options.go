package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/prometheus"
)

// Exit codes of the demo.
const (
	exitOK      = 0
	exitFailed  = 1 // it began and could not go on
	exitInvalid = 2 // a flag or an address is not usable; nothing was started
)

// defaultListen is loopback only: the demo has no password.
const defaultListen = "127.0.0.1:9847"

// options are what the command line says.
type options struct {
	seed     uint64
	services int
	useless  bool
	once     bool
	listen   string
	// prometheusListen is where its Prometheus serves.
	prometheusListen string
	keep             bool
	verbose          bool
}

const usage = `The demo of the readiness collector.

It makes a simulated company with a year of incidents, reviews and on-call
rotations, serves it on this machine as PagerDuty and Jira would and with a real
Prometheus, and runs the real collector against it, on an embedded database in a
temporary folder that remembers half a year of judgements. Nothing outside of
this machine is asked, and nothing is left behind. What is planted in its past, and
the commands that find it, are in docs/demo.md.

A company of 500 services or more is asked every 2 minutes, one of 5,000 every 20,
so that a round has the time that it takes. Measured on a machine with two cores that
had other work, too:

  services   memory    until the badges are shown
        48   0.2 GB    11 seconds
       500   0.9 GB    1 minute
      3000   5.3 GB    more than 10 minutes

Each service more costs about 2 MB, so plan for 10 GB and 1 GB of disk with 5,000.
(That one was not measured.)

Usage:
  go -C demo run . [flags]

Examples:
  go -C demo run .                  serve until Ctrl-C
  go -C demo run . --once           one full round, print the fleet, exit
  go -C demo run . --seed 7         another company
  go -C demo run . --seed 2 --useless-reviews
                                    one in which reviews have no effect
  go -C demo run . --listen 127.0.0.1:0
                                    any free port; the demo prints which

Flags:
`

const usageEnd = `
Exit codes: 0 done or stopped by Ctrl-C, 1 something failed on the way,
2 a flag or the address is not usable.
`

// errHelp says that the help was printed.
var errHelp = pflag.ErrHelp

func parse(args []string, help io.Writer) (options, error) {
	o := options{}
	flags := pflag.NewFlagSet("demo", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.SetOutput(io.Discard)
	flags.Uint64Var(&o.seed, "seed", 1, "which company to simulate; each seed is another one")
	flags.IntVar(&o.services, "services", company.DefaultServices,
		fmt.Sprintf("how many services it has, %d to %d", company.MinServices, company.MaxServices))
	flags.BoolVar(&o.useless, "useless-reviews", false,
		"a company whose readiness reviews change nothing; otherwise they cut the time to resolve")
	flags.BoolVar(&o.once, "once", false, "do one full round, print the fleet as a table and exit")
	flags.StringVar(&o.listen, "listen", defaultListen, "host:port the collector serves on; port 0 takes a free one")
	flags.StringVar(&o.prometheusListen, "prometheus-listen", prometheus.DefaultAddress,
		"host:port its Prometheus serves on, for Grafana")
	flags.BoolVar(&o.keep, "keep", false, "keep the folder with configuration, tokens and database, and say where it is")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "show the collector's own log")
	flags.Usage = func() {}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, errHelp) {
			_, _ = fmt.Fprint(help, usage, flags.FlagUsagesWrapped(80), usageEnd)
			return o, errHelp
		}
		return o, fmt.Errorf("%w; see --help", err)
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: the demo takes flags alone; see --help", flags.Arg(0))
	}
	if o.services < company.MinServices || o.services > company.MaxServices {
		return o, fmt.Errorf("--services %d is out of range: use %d to %d", o.services, company.MinServices,
			company.MaxServices)
	}
	for flag, address := range map[string]string{"listen": o.listen, "prometheus-listen": o.prometheusListen} {
		_, port, err := net.SplitHostPort(address)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return o, fmt.Errorf("--%s %q is not an address: write it like %s", flag, address, defaultListen)
		}
	}
	return o, nil
}
