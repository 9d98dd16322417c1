package sourcetest

import (
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/prodready/collector/internal/fault"
)

// simulated is what the source under test reads: the fake of a vendor behind
// HTTP, or a folder of files.
type simulated interface {
	// address is where the source finds it: a URL, or the path of the folder.
	address() string
	// serve replaces the data.
	serve(data Data) error
	// Inject makes a fault happen until Heal.
	Inject(f fault.Fault)
	Heal()
	// Counts is the number of calls since the last Forget, by name of the call.
	Counts() map[string]int
	// Forget sets the counts to zero.
	Forget()
	Close()
}

// server is the fake of a vendor. Its faults and counts are the injector's.
type server struct {
	*fault.Injector
	world *world
	http  *httptest.Server
}

func newServer(w *world, data Data) *server {
	injector := fault.New(w.suite.Upstream(data, w.theirClock, w.check.unknownRequest), w.suite.Form)
	return &server{Injector: injector, world: w, http: httptest.NewServer(injector)}
}

func (s *server) address() string { return s.http.URL }

func (s *server) serve(data Data) error {
	s.Serve(s.world.suite.Upstream(data, s.world.theirClock, s.world.check.unknownRequest))
	return nil
}

func (s *server) Close() { s.http.Close() }

// folder is the upstream of a source without HTTP. A call is a file, and faults
// damage it where it lies.
type folder struct {
	path  string
	files map[string]string
	world *world
}

func newFolder(w *world, path string, data Data) (*folder, error) {
	f := &folder{path: path, world: w}
	return f, f.serve(data)
}

func (f *folder) address() string { return f.path }

func (f *folder) serve(data Data) error {
	f.files = f.world.suite.Files(data)
	return f.write()
}

// write makes the folder hold the files and nothing else.
func (f *folder) write() error {
	if err := os.RemoveAll(f.path); err != nil {
		return err
	}
	if err := os.Mkdir(f.path, 0o700); err != nil {
		return err
	}
	for name, content := range f.files {
		if err := os.WriteFile(filepath.Join(f.path, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Inject damages the file that the fault names: one with a status is a folder
// instead of a file.
func (f *folder) Inject(fault fault.Fault) {
	name, content := filepath.Join(f.path, fault.Call), f.files[fault.Call]
	switch {
	case fault.Empty:
		content = ""
	case fault.Truncate:
		content = content[:len(content)/2]
	case fault.Body != "":
		content = fault.Body
	}
	err := os.Remove(name)
	if err == nil && fault.Status != 0 {
		err = os.Mkdir(name, 0o700)
	} else if err == nil {
		err = os.WriteFile(name, []byte(content), 0o600)
	}
	if err != nil {
		f.world.check.errorf("damaging %s: %v", fault.Call, err)
	}
}

// Heal writes the files as they were.
func (f *folder) Heal() {
	if err := f.write(); err != nil {
		f.world.check.errorf("healing the folder: %v", err)
	}
}

// Forget does nothing: reading a file leaves no trace.
func (f *folder) Forget() {}

// Counts says that every file is read once.
func (f *folder) Counts() map[string]int {
	counts := map[string]int{}
	for name := range f.files {
		counts[name] = 1
	}
	return counts
}

// Close does nothing: the folder is the test's.
func (f *folder) Close() {}
