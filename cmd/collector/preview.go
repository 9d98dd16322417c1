package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/report"
)

const previewCodes = `
Exit codes:
  0  done; with --max-regressions: no more services than that lose a badge
  1  more services lose a badge than --max-regressions allows, or it was started
     and failed; the last line says which
  2  the command line, the configuration or the framework is not valid;
     nothing was started
  3  with --max-regressions: it cannot be told, because evidence is unknown or
     there is no history
`

func newPreview(s *streams) *cobra.Command {
	var file, from, to string
	var enforced bool
	var format output
	most := -1
	cmd := &cobra.Command{
		Use:   "preview [--file NEW]",
		Short: "Show what another framework would have done to the badges",
		Long: `Judge the stored evidence of the last 90 days again, by the framework of the
configuration and by another one, with the same dwell times and clocks: who
loses and who gains which badge, when, by which check, how many of them only
because evidence is unknown or a fact did not exist then, and which teams would
be told. NEW is a file, a folder or a name, as for framework.file. Without it,
for the services that framework.pins keep on other criteria: what comes when
their pins end.

It reads the store of the configuration alone, and may run beside a daemon.
` + previewCodes,
		Example: `  collector framework preview --file mine.yaml
  collector framework preview --file mine.yaml --from 2026-09-01 --to 2026-10-01
  collector framework preview --file mine.yaml -o md > comment.md
  collector framework preview --file mine.yaml --max-regressions 0`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("max-regressions") && most < 0 {
				return &usageError{fmt.Errorf("--max-regressions %d: want 0 or more", most)}
			}
			if enforced && file == "" {
				return &usageError{errors.New("--enforced needs --file: it is for checks of the framework that --file names")}
			}
			o := app.PreviewOptions{Framework: file, Enforced: enforced}
			var err error
			if o.From, err = timeFlag("from", from); err != nil {
				return err
			}
			if o.To, err = timeFlag("to", to); err != nil {
				return err
			}
			options, bars := s.watched(s.options(s.quiet()))
			preview, err := app.Preview(cmd.Context(), options, o)
			bars.close()
			if err != nil {
				return err
			}
			if format == "md" {
				err = preview.WriteMarkdown(s.out)
			} else {
				err = write(format, s.out, preview.WriteJSON, nil, func(w io.Writer) error {
					return preview.WriteText(w, s.style())
				})
			}
			if err != nil || most < 0 {
				return err
			}
			return verdictOf(preview, most)
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "the framework to preview: a file, a folder or a name")
	cmd.Flags().StringVar(&from, "from", "", "begin, a date or time such as 2026-09-01; default 90 days before the end")
	cmd.Flags().StringVar(&to, "to", "", "end, a date or time; default now")
	cmd.Flags().BoolVar(&enforced, "enforced", false, "count checks of NEW that are enforced from a later date, too")
	cmd.Flags().IntVar(&most, "max-regressions", -1, "fail if more services than this lose a badge")
	cmd.Flags().Lookup("max-regressions").DefValue = ""
	format.register(cmd, "text", "json", "md")
	return cmd
}

// verdictOf is nil if no more services lose a badge than may.
func verdictOf(p *report.Preview, most int) error {
	proved, all := p.Losing()
	switch p.Verdict(most) {
	case report.Beyond:
		return &verdictError{exitFailure, fmt.Sprintf("%s a badge by the evidence; --max-regressions allows %d",
			losing(proved), most)}
	case report.CannotTell:
		if !p.Known {
			return &verdictError{exitUnknown, "it cannot be told: there is no history to judge"}
		}
		return &verdictError{exitUnknown, fmt.Sprintf("it cannot be told: %s a badge, %d of them only because evidence is "+
			"unknown; --max-regressions allows %d", losing(all), all-proved, most)}
	}
	return nil
}

func losing(n int) string {
	if n == 1 {
		return "1 service loses"
	}
	return fmt.Sprintf("%d services lose", n)
}

// timeFlag reads a date, which is its beginning in UTC, or a time. Empty is the zero time.
func timeFlag(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, &usageError{fmt.Errorf("--%s %q: want a date or a time in UTC such as 2026-09-01 or "+
		"2026-09-01T15:04", name, text)}
}
