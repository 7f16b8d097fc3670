package testkit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Where a peer program may lie inside the Debian folder.
var peerDirs = []string{
	"/usr/local/bin", "/usr/bin", "/bin",
	"/usr/libexec/x86_64-linux-gnu/llama.cpp-tests",
	"/usr/libexec/aarch64-linux-gnu/llama.cpp-tests",
}

// The folder, inside the Debian folder, that everything shared lies under.
const shared = "/tmp/hpllm"

// Peer returns a command that runs tool inside the Debian folder CACHE/sid:
// llama-tokenize, llama-perplexity, test-llama-archs, hpllm-peer-NAME (our own
// small C programs, build/peer/NAME.c), python3 ... The test is skipped where
// the folder or the tool is missing, or the user is not root (chroot and mounts need it).
// Paths among args must be inside ones: see Share and PeerDir.
func Peer(t testing.TB, tool string, args ...string) *exec.Cmd {
	t.Helper()
	root := sid(t)
	enter := filepath.Join(Root(), "build", "peer", "enter.sh")
	for _, dir := range peerDirs {
		if _, err := os.Stat(filepath.Join(root, dir, tool)); err == nil {
			cmd := exec.Command(enter, append([]string{root, dir + "/" + tool}, args...)...)
			// llama.cpp's threads spin at their barriers: on a busy machine, for ages.
			cmd.Env = append(os.Environ(), "OMP_WAIT_POLICY=passive")
			return cmd
		}
	}
	Missing(t, fmt.Sprintf("%s in %s", tool, root), "make deps")
	return nil
}

// Share makes the file at path visible to peers and returns its path inside
// the Debian folder. It is hard-linked, or copied across file systems, once:
// later calls find it. Peers must not write to it.
func Share(t testing.TB, path string) string {
	t.Helper()
	root := sid(t)
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		t.Fatalf("testkit: share %s: %v", path, err)
	}
	if within, ok := strings.CutPrefix(real, filepath.Join(root, shared)+"/"); ok {
		return shared + "/" + within // a file in a folder of PeerDir
	}
	key := sha256.Sum256([]byte(real))
	inside := shared + "/" + hex.EncodeToString(key[:6]) + "/" + filepath.Base(path)
	if err := place(real, filepath.Join(root, inside)); err != nil {
		t.Fatalf("testkit: share %s: %v", path, err)
	}
	return inside
}

// PeerDir makes an empty folder for a peer's output and returns its path here
// and its path inside the Debian folder. It is removed when the test ends.
func PeerDir(t testing.TB) (host, inside string) {
	t.Helper()
	root := sid(t)
	base := filepath.Join(root, shared)
	if err := os.MkdirAll(base, 0o755); err != nil {
		t.Fatalf("testkit: %v", err)
	}
	host, err := os.MkdirTemp(base, "out-")
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(host) })
	return host, shared + "/" + filepath.Base(host)
}

func sid(t testing.TB) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(filepath.Join(Cache(), "sid"))
	if err == nil {
		_, err = os.Stat(filepath.Join(root, ".ready"))
	}
	if err != nil {
		Missing(t, "llama.cpp's tools in "+filepath.Join(Cache(), "sid"), "make deps")
	}
	if os.Geteuid() != 0 {
		Missing(t, "root's right to chroot into "+root, "sudo -E make test")
	}
	return root
}

// place links or copies the file from to the path to, unless it is there.
func place(from, to string) error {
	src, err := os.Stat(from)
	if err != nil {
		return err
	}
	if dst, err := os.Stat(to); err == nil {
		same := dst.Size() == src.Size() && dst.ModTime().Equal(src.ModTime())
		if os.SameFile(src, dst) || same {
			return nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	// A name of our own first: another test may be placing the same file.
	tmp := fmt.Sprintf("%s.%d.tmp", to, os.Getpid())
	os.Remove(tmp)
	defer os.Remove(tmp)
	if os.Link(from, tmp) != nil {
		if err := copyFile(from, tmp, src); err != nil {
			return err
		}
	}
	return os.Rename(tmp, to)
}

func copyFile(from, to string, info os.FileInfo) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}
