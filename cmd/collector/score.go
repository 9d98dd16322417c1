package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/report"
)

func newScore(s *streams) *cobra.Command {
	var server, asOf string
	var all bool
	var format output
	cmd := &cobra.Command{
		Use:   "score [SERVICE [CHECK]]",
		Short: "Print the fleet, the scorecard of one service, or one check",
		Long: `Print the fleet, or what the owner of one service needs: the badge, the target,
what to do for the next badge, the cheapest first, and what is unknown and why.
With --all: every check with its status, what was observed and when, what is
wanted, and what to do next. With the id of a check, such as
inc.someone-on-call: that one in full, with every way to prove it, an example
and why it is asked for.

The evidence is read from the store of the configuration; with --server it is
read from a running daemon, and no configuration is needed. A user name and
password for the daemon can stand in the address.

With --as-of the stored evidence of a service is judged again, as of a date or
time in UTC, by the criteria that were in force then. What the answer rests on,
such as rounded history, is said on standard error. It is an error if the
history does not reach that far.
` + exitCodes,
		Example: `  collector score
  collector score checkout
  collector score checkout inc.someone-on-call
  collector score checkout -o json
  collector score checkout --as-of 2026-09-01T12:00
  collector score --server http://127.0.0.1:9847 checkout`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 2 {
				return &usageError{fmt.Errorf("one service and one check at a time, not %d words", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			style := s.style()
			style.All = all
			source, err := s.cardsOf(cmd.Context(), server, asOf, args)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				fleet, err := source.fleet(cmd.Context())
				if err != nil {
					return err
				}
				return write(format, s.out, fleet.WriteJSON, fleet.WriteCSV, func(w io.Writer) error {
					return fleet.WriteTable(w, style)
				})
			}
			card, err := source.scorecard(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return write(format, s.out, card.WriteJSON, card.WriteCSV, func(w io.Writer) error {
					return card.WriteText(w, style)
				})
			}
			check, err := checkOf(card, args[1])
			if err != nil {
				return err
			}
			card.Checks = []report.Check{check}
			return write(format, s.out, card.WriteJSON, card.WriteCSV, func(w io.Writer) error {
				return card.WriteCheck(w, check, style)
			})
		},
	}
	cmd.Flags().StringVar(&server, "server", "", "address of a running daemon, such as http://127.0.0.1:9847")
	cmd.Flags().StringVar(&asOf, "as-of", "", "judge as of a date or time, such as 2026-09-01 or 2026-09-01T12:00")
	cmd.Flags().BoolVar(&all, "all", false, "list every check with what was observed and what is wanted")
	format.register(cmd, "table", "json", "csv")
	return cmd
}

// checkOf is the check with the id. The error names the nearest id, or those of the
// module that is meant.
func checkOf(card report.Scorecard, id string) (report.Check, error) {
	var ids, ofModule []string
	module, name, _ := strings.Cut(id, ".")
	for _, check := range card.Checks {
		_, short, _ := strings.Cut(check.ID, ".")
		switch {
		case check.ID == id:
			return check, nil
		case short == id || short == name:
			// The module was left out, or is another one.
			return check, &usageError{fmt.Errorf("no check %q in the framework, did you mean %q?", id, check.ID)}
		case check.Module == module:
			ofModule = append(ofModule, check.ID)
		}
		ids = append(ids, check.ID)
	}
	hint := nearest.Suggest(id, ids)
	switch {
	case hint != "":
	case len(ofModule) > 0:
		hint = "; those of " + module + " are " + strings.Join(ofModule, ", ")
	default:
		hint = fmt.Sprintf("; `collector score %s --all` lists all", card.Summary.Service)
	}
	return report.Check{}, &usageError{fmt.Errorf("no check %q in the framework%s", id, hint)}
}

func write(format output, w io.Writer, asJSON, asCSV, asTable func(io.Writer) error) error {
	switch format {
	case "json":
		return asJSON(w)
	case "csv":
		return asCSV(w)
	}
	return asTable(w)
}

// cards is where scorecards come from: the store, or a running daemon.
type cards interface {
	fleet(ctx context.Context) (report.Fleet, error)
	// scorecard returns a usageError for a service there is not, with the
	// nearest name.
	scorecard(ctx context.Context, service string) (report.Scorecard, error)
}

// cardsOf is cards, or those as of a time.
func (s *streams) cardsOf(ctx context.Context, server, asOf string, args []string) (cards, error) {
	if asOf == "" {
		return s.cards(ctx, server)
	}
	if server != "" {
		return nil, &usageError{errors.New("--as-of reads the store of the configuration: leave out --server")}
	}
	if len(args) == 0 {
		return nil, &usageError{errors.New("--as-of is for one service: name it")}
	}
	at, err := timeFlag("as-of", asOf)
	if err != nil {
		return nil, err
	}
	then, notes, err := app.AsOf(ctx, s.options(s.quiet()), args[0], at)
	if _, unknown := errors.AsType[*app.UnknownNameError](err); unknown {
		return nil, &usageError{err}
	}
	if err != nil {
		return nil, err
	}
	for _, note := range notes {
		_, _ = fmt.Fprintln(s.err, report.WrapLines(report.Printable("note: "+note), terminalWidth(s.err)))
	}
	return &storedCards{then}, nil
}

func (s *streams) cards(ctx context.Context, server string) (cards, error) {
	if server != "" {
		base, err := url.Parse(server)
		if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
			return nil, &usageError{fmt.Errorf("--server %q: want an address such as http://127.0.0.1:9847", server)}
		}
		return &daemonCards{base: base, client: &http.Client{Timeout: 30 * time.Second}}, nil
	}
	published, err := app.Inspect(ctx, s.options(s.quiet()))
	if err != nil {
		return nil, err
	}
	return &storedCards{published}, nil
}

// daemonCards reads from the API of a running daemon.
type daemonCards struct {
	base   *url.URL
	client *http.Client
}

func (d *daemonCards) fleet(ctx context.Context) (report.Fleet, error) {
	var fleet report.Fleet
	return fleet, d.get(ctx, &fleet, "api", "v1", "services")
}

func (d *daemonCards) scorecard(ctx context.Context, service string) (report.Scorecard, error) {
	var card report.Scorecard
	if strings.Trim(service, ".") == "" { // the address of another answer
		return card, &usageError{fmt.Errorf("no service %q in the catalog: name a service", service)}
	}
	return card, d.get(ctx, &card, "api", "v1", "services", service)
}

func (d *daemonCards) get(ctx context.Context, into any, path ...string) error {
	for i := range path {
		path[i] = url.PathEscape(path[i])
	}
	address := d.base.JoinPath(path...)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return fmt.Errorf("asking the daemon: %w", err)
	}
	response, err := d.client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the daemon: %w; is it running, and is this its address?", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("reading the daemon's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		var problem struct {
			Detail string `json:"detail"`
		}
		if json.Unmarshal(body, &problem) != nil || problem.Detail == "" {
			return fmt.Errorf("%s: %s, which is not the answer of a collector; is this its address?", address.Redacted(),
				response.Status)
		}
		err := fmt.Errorf("%s: %s", address.Redacted(), problem.Detail)
		if response.StatusCode == http.StatusNotFound {
			return &usageError{err}
		}
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s does not answer as this version's daemon does: %w", address.Redacted(), err)
	}
	return nil
}
