package file_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/file"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/sourcetest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// manyEntries is a file with an entry for each of many services.
const manyEntries sourcetest.Data = "10,001 entries"

const many = 10001

func manyName(n int) string { return fmt.Sprintf("service-%d", n) }

func definitions() []evidence.Definition {
	return []evidence.Definition{
		{Name: "ci.coverage_ratio", Kind: evidence.KindDouble, Help: "Share of lines that tests run."},
		{Name: "ci.signed", Kind: evidence.KindBool, Help: "Whether images are signed."},
		{Name: "drill.last", Kind: evidence.KindDouble, Unit: "days", Clock: evidence.Elapsed,
			Help: "Age of the last drill."},
		{Name: "licence.violations", Kind: evidence.KindInt, Help: "Licences that are not allowed."},
	}
}

// record is an entry as a pipeline writes it.
type record struct {
	Service    string    `json:"service"`
	Fact       string    `json:"fact"`
	Value      any       `json:"value"`
	ObservedAt time.Time `json:"observed_at"`
}

func asJSON(records ...record) string {
	data, err := json.MarshalIndent(records, "", "\t")
	if err != nil {
		panic(err)
	}
	return string(data)
}

func asYAML(records ...record) string {
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "- service: %s\n  fact: %s\n  value: %v\n  observed_at: %s\n", r.Service, r.Fact, r.Value,
			r.ObservedAt.Format(time.RFC3339))
	}
	if b.Len() == 0 {
		return "[]"
	}
	return b.String()
}

func contract() sourcetest.Subject {
	services := []*catalog.Service{{Name: "checkout", Aliases: []string{"shop-checkout"}}, {Name: "cart"}, {Name: "quiet"}}
	return sourcetest.Subject{
		Start: noon, Services: services, Dated: true,
		Files: func(data sourcetest.Data) map[string]string {
			early, late := noon.Add(-time.Hour), noon.Add(5*time.Minute)
			coverage := []record{{"checkout", "ci.coverage_ratio", 0.81, early}, {"cart", "ci.coverage_ratio", 0.4, early},
				{"cart", "ci.signed", true, early}}
			others := []record{{"shop-checkout", "licence.violations", 2, early}, {"cart", "drill.last", 3.5, early},
				{"of-nobody", "licence.violations", 1, early}}
			switch data {
			case sourcetest.Changed:
				coverage[0].Value, coverage[0].ObservedAt = 0.9, late
				coverage[1].ObservedAt = late
				coverage = append(coverage[:2], record{"quiet", "ci.signed", false, late})
				others[0].Value, others[0].ObservedAt = nil, late
				others[1].Value, others[1].ObservedAt = late.Add(-time.Minute), late
			case sourcetest.Empty:
				coverage, others = nil, []record{}
			case manyEntries:
				for n := range many {
					others = append(others, record{manyName(n), "licence.violations", n, early})
				}
			}
			return map[string]string{"coverage.yaml": asYAML(coverage...), "others.json": asJSON(others...)}
		},
		Source: func(address string, _ *http.Client, _ func() time.Time) (collectors.Source, error) {
			return file.New(file.Options{
				Name: "ci", Definitions: definitions(),
				Patterns: []string{filepath.Join(address, "*.yaml"), filepath.Join(address, "*.json")},
			})
		},
		Calls: []sourcetest.Call{{Name: "coverage.yaml", Error: "read files"}, {Name: "others.json", Error: "read files"}},
		BadBodies: map[string]sourcetest.BadBody{
			"a login page": {Body: "<!DOCTYPE html><html><title>Log in</title></html>", Reason: evidence.ReasonUndecodable},
			"bytes":        {Body: "\x00\xff\xfe[", Reason: evidence.ReasonUndecodable},
		},
		Impossible: map[string]string{
			"our clock is an hour behind": "entries of the future are refused, which TestRefusedEntries plays",
			"nothing is there any more":   "an entry that is gone ages out, which TestAnEntryThatIsGoneAgesOut plays",
		},
	}
}

func TestContract(t *testing.T) { sourcetest.Run(t, contract()) }

func TestContractOfLargeFiles(t *testing.T) {
	s := contract()
	for n := range many {
		s.Services = append(s.Services, &catalog.Service{Name: manyName(n)})
	}
	s.Impossible = nil
	s.Large = []sourcetest.Large{{Data: manyEntries, Records: map[string]int{"licence.violations": many + 1}}}
	sourcetest.RunLarge(t, s)
}
