package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/collectors/transport"
)

func TestCredentialsComeFromTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("token=first\n")
	var got []string
	w := start(t, transport.Config{HTTP: config.HTTPClientConfig{
		Authorization: &config.Authorization{Type: "Token", CredentialsFile: file},
	}}, func(_ http.ResponseWriter, r *http.Request, _ int) { got = append(got, r.Header.Get("Authorization")) })
	ask := func() string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Token token=of-the-library")
		return w.do(t, req)
	}
	ask()
	write("token=second")
	ask()
	if want := "[Token token=first Token token=second]"; fmt.Sprint(got) != want {
		t.Errorf("sent %v, want %s", got, want)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if reason := ask(); reason != "unauthorized" || len(got) != 2 {
		t.Errorf("without the file: %s after %d requests", reason, len(got))
	}
}

func TestAuthorizeIsAskedForEachAttempt(t *testing.T) {
	keys := []string{"first", "second"}
	var got []string
	w := start(t, transport.Config{Authorize: func() (string, error) {
		if len(keys) == 0 {
			return "", errors.New("the secret file cannot be read")
		}
		key := keys[0]
		keys = keys[1:]
		return "Token token=" + key, nil
	}}, func(rw http.ResponseWriter, r *http.Request, _ int) {
		got = append(got, r.Header.Get("Authorization"))
		rw.WriteHeader(http.StatusBadGateway)
	})
	if reason := w.get(t, t.Context(), "/x"); reason != "unauthorized" ||
		fmt.Sprint(got) != "[Token token=first Token token=second]" {
		t.Errorf("ended with %s after %v", reason, got)
	}
}

func TestErrorsNameNoSecret(t *testing.T) {
	w := start(t, transport.Config{MaxAttempts: 1, HTTP: config.HTTPClientConfig{
		Authorization: &config.Authorization{Type: "Bearer", Credentials: "s3cret"},
	}}, func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) })
	_, err := w.client.Get(w.URL)
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "s3cret") {
		t.Errorf("error: %v", err)
	}
}

func TestBadConfig(t *testing.T) {
	for want, cfg := range map[string]transport.Config{
		"the source's name is missing": {},
		"budget share 2":               {Source: "a/b", BudgetShare: 2},
		"rate per minute -4":           {Source: "a/b", RatePerMinute: -4},
		"must not be negative":         {Source: "a/b", MaxAttempts: -1},
		"no such file or directory": {Source: "a/b",
			HTTP: config.HTTPClientConfig{TLSConfig: config.TLSConfig{CAFile: "/does/not/exist"}}},
		"HTTP client of a/b: rate per mi": {Source: "a/b", RatePerMinute: -4},
	} {
		if _, err := transport.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
