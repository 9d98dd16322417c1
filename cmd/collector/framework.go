package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/handbook"
	"github.com/prodready/collector/report"
)

func newFramework(s *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "framework",
		Short: "Read the readiness framework, and check it",
		Long: `Read the readiness framework by which services are judged: as pages, in the
terminal, or as one file; check that it is complete; and see which of its facts
and checks have data. Without a configuration file it is the default framework;
--framework.file names another one.
` + exitCodes,
		Example: `  collector framework show
  collector framework show cicd.no-drift
  collector framework docs --out docs/framework
  collector framework coverage`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCoverage(s), newDiff(s), newPreview(s), newShow(s), newDocs(s), newDump(s), newLint(s),
		newFixtureTest(s))
	return cmd
}

// criteria is the framework of the configuration; the default without one.
func (s *streams) criteria(cmd *cobra.Command) (*framework.Document, *framework.Framework, error) {
	return app.Criteria(s.options(s.quiet()), !cmd.Flags().Changed("config"))
}

// readable is how wide a page is where nothing says how wide the output is.
const readable = 80

func newShow(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "show [CHECK|MODULE|levels|changelog|glossary]",
		Short: "Print a page of the framework",
		Long: `Print what a check asks: why, how it is judged, what to do, an example, how to
attest it, and what to read. With a module: its levels, checks and checklist.
Without an argument: all modules and checks. It is what docs writes as pages.
` + exitCodes,
		Example: `  collector framework show
  collector framework show inc
  collector framework show inc.someone-on-call
  collector framework show levels`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{fmt.Errorf("one check or module at a time, not %d words", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			_, criteria, err := s.criteria(cmd)
			if err != nil {
				return err
			}
			name := "index"
			if len(args) > 0 {
				name = args[0]
			}
			page, err := handbook.New(criteria).Page(name)
			if err != nil {
				return &usageError{err}
			}
			width := s.width()
			if width == 0 {
				width = readable
			}
			_, err = fmt.Fprint(s.out, report.Printable(page.Text(width)))
			return err
		},
	}
}

func newDocs(s *streams) *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use:   "docs --out DIR",
		Short: "Write the framework as pages of Markdown",
		Long: `Write an index, a page for each module and check, the levels, the changelog and
a glossary as Markdown, which MkDocs and Confluence take. Pages that are there
are written anew; other Markdown files in the folder are named and left alone.
` + exitCodes,
		Example: `  collector framework docs --out docs/framework
  collector framework docs --out site --framework.file mine.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if folder == "" {
				return &usageError{errors.New("--out is missing: name the folder for the pages")}
			}
			_, criteria, err := s.criteria(cmd)
			if err != nil {
				return err
			}
			book := handbook.New(criteria)
			others, err := book.Write(folder)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(s.out, "%s in %s\n", report.Plural(len(book.Pages()), "page"), report.Printable(folder))
			for _, name := range others {
				_, _ = fmt.Fprintf(s.out, "%s is not a page of this framework; remove it if it was one\n", report.Printable(name))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&folder, "out", "", "folder for the pages; it is made if it is missing")
	return cmd
}

func newDump(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "dump",
		Short: "Print the framework as one file",
		Long: `Print the framework as one file of YAML that framework.file can name. It is a
copy to begin with, or to keep; it judges as the framework does that it is of.
` + exitCodes,
		Example: `  collector framework dump > mine.yaml
  collector framework lint --framework.file mine.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			document, _, err := s.criteria(cmd)
			if err != nil {
				return err
			}
			file, err := document.Merged()
			if err != nil {
				return err
			}
			_, err = s.out.Write(file.Data)
			return err
		},
	}
}

func newLint(s *streams) *cobra.Command {
	var against string
	cmd := &cobra.Command{
		Use:   "lint [--against OLD]",
		Short: "Check that the framework is complete, and its version right",
		Long: `Check that the framework compiles, and that every level, module and check says
what people need: objective, why, how it is judged, steps, an example, links,
effort, what an attestation has to show, and a fixture for each status that the
check can have; and that no level is left out. What is missing is said with
file, line and remedy. The daemon needs none of these and runs without them.

With --against, an earlier version of it, a file, a folder or a name: what has
changed has the right step of the version and an entry in the changelog, and no
id of a check is used again. A patch changes no outcome, a minor version takes
no badge away, a major one may.
` + exitCodes,
		Example: `  collector framework lint
  collector framework lint --framework.file mine.yaml
  collector framework lint --framework.file mine.yaml --against released.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			document, criteria, err := s.criteria(cmd)
			if err != nil {
				return err
			}
			var earlier *framework.Framework
			if against != "" {
				if earlier, err = s.criteriaOf(cmd, against); err != nil {
					return err
				}
				if earlier.Name != criteria.Name {
					return &usageError{fmt.Errorf("--against %s: %s is another framework than %s, so that its version says nothing; "+
						"name an earlier version of %[3]s, or see `collector framework diff`", against, earlier.Title(), criteria.Name)}
				}
			}
			if err := app.Lint(document, criteria, earlier); err != nil {
				return err
			}
			_, _ = fmt.Fprintf(s.out, "%s: %s in %s, nothing is missing\n", report.Printable(criteria.Title()),
				report.Plural(len(criteria.Checks), "check"), report.Plural(len(criteria.Modules), "module"))
			if earlier != nil {
				_, _ = fmt.Fprintf(s.out, "after %s: %s\n", report.Printable(earlier.Title()),
					stepWords(framework.Compare(earlier, criteria).Step()))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&against, "against", "", "an earlier version: a file, a folder or a name")
	return cmd
}

// stepWords say what step the changes are.
func stepWords(step framework.Step) string {
	if step == framework.NoStep {
		return "nothing differs"
	}
	return "a " + step.String() + " change"
}

// criteriaOf is the framework with a name, as framework.file has it.
func (s *streams) criteriaOf(cmd *cobra.Command, name string) (*framework.Framework, error) {
	_, criteria, err := app.CriteriaOf(s.options(s.quiet()), name, !cmd.Flags().Changed("config"))
	return criteria, err
}

func newDiff(s *streams) *cobra.Command {
	var format output
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say in words what differs between two frameworks",
		Long: `Say for each check what differs between two frameworks, and which step of the
version that needs: a patch changes no outcome, a minor version takes no badge
away, a major one may. What they mean is compared, as it is compiled, and not
their text. Each is a file, a folder or a name, as for framework.file.
` + exitCodes,
		Example: `  collector framework diff default mine.yaml
  collector framework diff old/ new/ -o md > comment.md`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &usageError{fmt.Errorf("want two frameworks, the old one and the new one, not %d", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			before, err := s.criteriaOf(cmd, args[0])
			if err != nil {
				return err
			}
			after, err := s.criteriaOf(cmd, args[1])
			if err != nil {
				return err
			}
			diff := report.NewDiff(framework.Compare(before, after))
			if format == "md" {
				return diff.WriteMarkdown(s.out)
			}
			return write(format, s.out, diff.WriteJSON, nil, func(w io.Writer) error { return diff.WriteText(w, s.style()) })
		},
	}
	format.register(cmd, "text", "json", "md")
	return cmd
}

func newCoverage(s *streams) *cobra.Command {
	var format output
	cmd := &cobra.Command{
		Use:   "coverage",
		Short: "Show which facts and checks have data, and what is missing",
		Long: `Show for each fact and check the share of services with data, from the
evidence in the store: what no source gives, which exporter, flag or label is
missing, and which checks are not measurable.
` + exitCodes,
		Example: `  collector framework coverage
  collector framework coverage -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			published, err := app.Inspect(cmd.Context(), s.options(s.quiet()))
			if err != nil {
				return err
			}
			coverage := report.NewCoverage(published)
			if format == "json" {
				return coverage.WriteJSON(s.out)
			}
			return coverage.WriteTable(s.out, s.style())
		},
	}
	format.register(cmd, "table", "json")
	return cmd
}
