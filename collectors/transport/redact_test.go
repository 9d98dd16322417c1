package transport_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/collectors/transport"
)

// echo sends back what it was sent, in every way a server might.
func echo(status int) func(http.ResponseWriter, *http.Request, int) {
	return func(rw http.ResponseWriter, r *http.Request, _ int) {
		all := fmt.Sprint(r.Header)
		credential := r.Header.Get("Authorization")
		if i := strings.LastIndexAny(credential, " ="); i >= 0 && !strings.HasPrefix(credential, "Basic") {
			credential = credential[i+1:]
		}
		_, password, _ := r.BasicAuth()
		quoted, _ := json.Marshal(r.Header)
		rw.Header().Set("X-Echo", all)
		rw.Header().Set("Content-Type", "text/"+r.Header.Get("X-Api-Key"))
		rw.WriteHeader(status)
		_, _ = fmt.Fprintln(rw, all, string(quoted), credential, password,
			base64.StdEncoding.EncodeToString([]byte(credential)), base64.StdEncoding.EncodeToString([]byte(password)))
	}
}

func TestASecretThatIsSentBackIsNotHandedOn(t *testing.T) {
	const token, key = `tok"en-in-a&file<1>`, "key-in-a-header-file"
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tokenFile, pdFile := write("token", token), write("pagerduty", "token="+token)
	headers := &config.Headers{Headers: map[string]config.Header{
		"X-Api-Key": {Files: []string{write("key", key)}}, "X-Scope-OrgID": {Values: []string{"a-tenant-with-a-long-name"}},
	}}
	for name, client := range map[string]config.HTTPClientConfig{
		"bearer":    {Authorization: &config.Authorization{Type: "Bearer", CredentialsFile: tokenFile}, HTTPHeaders: headers},
		"PagerDuty": {Authorization: &config.Authorization{Type: "Token", CredentialsFile: pdFile}, HTTPHeaders: headers},
		"basic":     {BasicAuth: &config.BasicAuth{Username: "us", PasswordFile: tokenFile}, HTTPHeaders: headers},
	} {
		for _, status := range []int{200, 302, 401, 422, 500} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				w := start(t, transport.Config{MaxAttempts: 1, HTTP: client}, echo(status))
				resp, err := w.client.Get(w.URL)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				all := fmt.Sprint(resp.Header) + string(body)
				quoted, _ := json.Marshal(token)
				for _, secret := range []string{
					token, key, strings.Trim(string(quoted), `"`), base64.StdEncoding.EncodeToString([]byte(token)),
					base64.StdEncoding.EncodeToString([]byte("us:" + token)),
				} {
					if strings.Contains(all, secret) {
						t.Errorf("handed on: %s in\n%s", secret, all)
					}
				}
				if !strings.Contains(all, "a-tenant-with-a-long-name") || !strings.Contains(all, "<secret>") {
					t.Errorf("what is no secret is gone: %s", all)
				}
				if resp.ContentLength != int64(len(body)) {
					t.Errorf("the answer says %d bytes and has %d", resp.ContentLength, len(body))
				}
			})
		}
	}
}

func TestAShortPasswordDoesNotAlterData(t *testing.T) {
	w := start(t, transport.Config{MaxAttempts: 1, HTTP: config.HTTPClientConfig{
		BasicAuth: &config.BasicAuth{Username: "us", Password: "prometheus"},
	}}, func(rw http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/bad" {
			rw.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(rw, `{"job":"prometheus"}`)
	})
	for path, want := range map[string]string{"/good": `{"job":"prometheus"}`, "/bad": `{"job":"<secret>"}`} {
		resp, err := w.client.Get(w.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); string(body) != want {
			t.Errorf("%s: %s, want %s", path, body, want)
		}
	}
}

func TestErrorsThatQuoteTheServerShowNoSecret(t *testing.T) {
	w := start(t, transport.Config{MaxAttempts: 1, HTTP: config.HTTPClientConfig{
		Authorization: &config.Authorization{Type: "Bearer", Credentials: "s3cret-token"},
	}}, func(rw http.ResponseWriter, r *http.Request, _ int) {
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = fmt.Fprintf(conn, "%s is no protocol\r\n\r\n", r.Header.Get("Authorization"))
		_ = conn.Close()
	})
	_, err := w.client.Get(w.URL)
	if text := fmt.Sprintf("%v %+v", err, err); err == nil || strings.Contains(text, "s3cret") ||
		!strings.Contains(text, "<secret>") {
		t.Errorf("error: %s", text)
	}
}

func TestProxyCredentialsAreNotShown(t *testing.T) {
	t.Run("a proxy that repeats them", func(t *testing.T) {
		proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.WriteHeader(http.StatusProxyAuthRequired)
			_, _ = io.WriteString(rw, "you are "+r.Header.Get("Proxy-Authorization")+" with pr0xy-secret")
		}))
		defer proxy.Close()
		var address config.URL
		if err := address.UnmarshalJSON([]byte(`"` + strings.Replace(proxy.URL, "http://", "http://us:pr0xy-secret@", 1) +
			`"`)); err != nil {
			t.Fatal(err)
		}
		w := start(t, transport.Config{MaxAttempts: 1,
			HTTP: config.HTTPClientConfig{ProxyConfig: config.ProxyConfig{ProxyURL: address}}}, nil)
		resp, err := w.client.Get("http://upstream.invalid/x")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if text := string(body); strings.Contains(text, "pr0xy") ||
			strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("us:pr0xy-secret"))) {
			t.Errorf("answer: %s", text)
		}
	})
}

func TestCredentialsStayWithTheServer(t *testing.T) {
	stolen := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(
		func(_ http.ResponseWriter, r *http.Request) { stolen <- fmt.Sprint(r.Header) }))
	defer other.Close()
	w := start(t, transport.Config{HTTP: config.HTTPClientConfig{
		Authorization: &config.Authorization{Type: "Bearer", Credentials: "s3cret-token"},
	}}, func(rw http.ResponseWriter, r *http.Request, _ int) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(rw, r, other.URL+"/?from="+r.Header.Get("Authorization"), http.StatusFound)
		case "/near":
			http.Redirect(rw, r, "/here", http.StatusFound)
		case "/round":
			http.Redirect(rw, r, "/round", http.StatusFound)
		}
	})
	for path, want := range map[string]string{"/away": "rejected", "/near": "200", "/round": "rejected"} {
		if got := w.get(t, t.Context(), path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	select {
	case got := <-stolen:
		t.Errorf("the other server was asked with %s", got)
	default:
	}
	_, err := w.client.Get(w.URL + "/away")
	if strings.Contains(fmt.Sprint(err), "s3cret") {
		t.Errorf("error: %v", err)
	}
}
