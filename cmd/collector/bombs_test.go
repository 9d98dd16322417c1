package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// maxMemory bounds the memory of a command, in bytes.
const maxMemory = 640 << 20

// bounded runs a command, which may take neither all memory nor for ever.
func (s *site) bounded(what string, arguments ...string) string {
	s.t.Helper()
	var said bytes.Buffer
	cmd := s.command(arguments...)
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	late := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	_ = cmd.Run() // the exit code depends on what is refused
	if !late.Stop() {
		s.t.Errorf("%s: %v does not end", what, arguments)
	}
	if most := peak(cmd.ProcessState); most > maxMemory {
		s.t.Errorf("%s: %v took %d MB in %v", what, arguments, most>>20, time.Since(began))
	}
	return said.String()
}

// TestAnswersThatAreBombs: a source whose answer never ends, or that is much larger than
// what was sent, or nested without an end, costs its round and nothing else.
func TestAnswersThatAreBombs(t *testing.T) {
	s := newSite(t)
	var zeros bytes.Buffer
	packed := gzip.NewWriter(&zeros)
	for range 1 << 10 {
		_, _ = packed.Write(bytes.Repeat([]byte(" "), 1<<20))
	}
	_ = packed.Close()
	nested := strings.Repeat(`{"services":[`, 2<<20)
	answers := map[string]func(w http.ResponseWriter, r *http.Request){
		"a gigabyte, packed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zeros.Bytes())
		},
		"without an end": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"services":[`)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(`{},`, 1<<16)); err != nil {
					return
				}
			}
		},
		"nested deeply": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, nested) },
		"slower than the round": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"services":[`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"headers without an end": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			for n := 0; err == nil; n++ {
				_, err = fmt.Fprintf(conn, "X-%d: %s\r\n", n, nested[:1000])
			}
		},
	}
	// Answers are not asked to be packed, and one that is is not unpacked.
	wanted := map[string]string{
		"a gigabyte, packed": "undecodable", "without an end": "too_large", "nested deeply": "undecodable",
		"slower than the round": "timeout", "headers without an end": "unreachable",
	}
	var answer http.HandlerFunc
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	t.Cleanup(vendor.Close)
	s.edit("collector.yaml", `endpoint: "`, `endpoint: "`+vendor.URL+
		`", token_file: token, timeout: 60s, rate: {per_minute: 100000}}`+"\n    # \"")
	sources := s.read("collector.yaml")
	for what, play := range answers {
		answer = play
		// Only the slow answer waits for the time-out. A loaded machine needs seconds to
		// read the others.
		timeout := "60s"
		if what == "slower than the round" {
			timeout = "3s"
		}
		s.write("collector.yaml", strings.Replace(sources, "timeout: 60s", "timeout: "+timeout, 1))
		said := s.bounded(what, "collect", "--once")
		if !strings.Contains(said, "reason="+wanted[what]) {
			t.Errorf("%s: want the reason %s in\n%.3000s", what, wanted[what], said)
		}
	}
}

// TestFilesThatAreBombs: so does a file of a scanned repository that is small, and large
// once it is read.
func TestFilesThatAreBombs(t *testing.T) {
	s := newSite(t)
	s.edit("collector.yaml", "catalog:\n", "catalog:\n  backstage: [bomb*.yaml]\n  entities: {max_refused_ratio: 1}\n")
	laughs := "a0: &a0 [" + strings.Repeat("lol,", 10) + "]\n"
	for n := range 12 {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", n+1, n+1, strings.Repeat(fmt.Sprintf("*a%d,", n), 10))
	}
	const most = 1_000_000 // line ends, commas and colons
	for name, c := range map[string]struct {
		text    string
		refused string
	}{
		"aliases":           {laughs, "aliases make the file more than ten times larger"},
		"nested lists":      {strings.Repeat("[", 4<<20), "not YAML"},
		"nested keys":       {strings.Repeat("? ", 2<<20), "not YAML"},
		"nested maps":       {strings.Repeat("{a: ", most/2), "not YAML"},
		"nested blocks":     {strings.Repeat("- ", 2<<20), "not YAML"},
		"a merge of itself": {"a: &a {<<: [*a, *a]}\n", "the alias refers to a value that contains it"},
		"tags":              {strings.Repeat("!!", 2<<20), "not a Backstage entity"},
		"documents":         {strings.Repeat("---\n", most+1), "too much to read"},
		"keys":              {"a: {" + strings.Repeat("b: 1, ", most/2) + "}\n", "too much to read"},
		"a list":            {"a: [" + strings.Repeat("1,", most) + "]\n", "too much to read"},
		"the longest list":  {"a: [" + strings.Repeat("1,", most-10) + "]\n", "not a Backstage entity"},
	} {
		s.write("bomb.yaml", c.text)
		if said := s.bounded(name, "check"); !strings.Contains(said, "bomb.yaml") || !strings.Contains(said, c.refused) {
			t.Errorf("%s: want it refused as %q in\n%.3000s", name, c.refused, said)
		}
	}
}
