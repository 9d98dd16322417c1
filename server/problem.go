package server

import (
	"encoding/json"
	"net/http"
)

// problemType is the type of errors of the API (RFC 9457).
const problemType = "application/problem+json"

// problem is the body of every error of the API.
type problem struct {
	// Type is about:blank: the status says what kind of error it is.
	Type string `json:"type"`
	// Title is that of the status.
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail says what is wrong, and what to do about it.
	Detail string `json:"detail"`
	// Nearest are names that were probably meant, nearest first.
	Nearest []string `json:"nearest,omitempty"`
}

// writeProblem answers an error of the API.
func writeProblem(w http.ResponseWriter, status int, detail string, nearest ...string) {
	// A struct of strings can always be marshalled.
	body, _ := json.Marshal(problem{"about:blank", http.StatusText(status), status, detail, nearest})
	writeBody(w, status, problemType, append(body, '\n'))
}
