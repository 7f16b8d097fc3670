package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"happyphonellm/internal/testkit"
)

// swiftTools is where Debian's Swift has the clang and linker that it calls.
const swiftTools = "PATH=/usr/libexec/swift/bin:/usr/bin:/bin"

// TestSwift builds the package as it stands, with the header and library where
// it expects them, inside the Debian folder that has Swift.
func TestSwift(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: the hosts' tests run on Linux")
	}
	testkit.Peer(t, "swift-build")
	path := testkit.Share(t, model(t))
	lib := library(t)

	outside, inside := testkit.PeerDir(t)
	for from, to := range map[string]string{
		"swift":                                  "examples/swift",
		filepath.Join(testkit.Root(), "include"): "include",
		lib:                                      "lib",
	} {
		if err := os.CopyFS(filepath.Join(outside, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	out := inside + "/out"
	build := testkit.Peer(t, "swift-build", "--package-path", inside+"/examples/swift", "--scratch-path", out, "--disable-sandbox",
		"-Xswiftc", "-warnings-as-errors", "-Xlinker", "-L"+inside+"/lib", "-Xlinker", "-rpath", "-Xlinker", inside+"/lib")
	build.Env = append(build.Env, swiftTools, "HOME="+inside)
	run(t, build)

	command := func(program string, args ...string) *exec.Cmd {
		return testkit.Peer(t, "env", append([]string{out + "/debug/" + program}, args...)...)
	}
	t.Run("chat", func(t *testing.T) {
		chat(t, command("chat"), path)
		badUses(t, func(args ...string) *exec.Cmd { return command("chat", args...) })
	})
	t.Run("check", func(t *testing.T) {
		if got := run(t, command("check", path)); got != "ok\n" {
			t.Errorf("check says %q", got)
		}
	})
}
