package abitest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/testkit"
)

// TestOtherSystems builds the libraries for phones and checks them; that for
// Android then answers under qemu as the engine does here.
func TestOtherSystems(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED in short mode: building for three other systems takes minutes")
	}
	for _, tool := range []string{"clang", "ld.lld", "readelf"} {
		if _, err := exec.LookPath(tool); err != nil {
			testkit.Missing(t, tool+", which builds for Android and arm64", "make deps")
		}
	}
	script := func(t *testing.T, name string, arguments ...string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(testkit.Root(), "build", name), arguments...)
		var errors strings.Builder
		cmd.Stderr = &errors
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("build/%s %s: %v\n%s%s", name, strings.Join(arguments, " "), err, out, errors.String())
		}
		return string(out)
	}
	for _, target := range []string{"linux-arm64", "android-amd64", "android-arm64"} {
		t.Run(target, func(t *testing.T) { t.Log(script(t, "library.sh", target)) })
	}
	t.Run("android-arm64 under qemu", func(t *testing.T) {
		if _, err := exec.LookPath("qemu-aarch64-static"); err != nil {
			testkit.Missing(t, "qemu-aarch64-static", "make deps")
		}
		path := testkit.Model(t, "smollm2-q4_1")
		const prompt = "The capital of France is"
		got := script(t, "android/shim/run.sh", path, prompt, "12")
		model := loadModel(t, path, 1)
		e := failure()
		here, status := generate(newSession(t, model, 256), greedy(prompt, 12), e, nil)
		want(t, "generate", status, e, ok)
		if got != here.text {
			t.Errorf("on Android: %q, here: %q", got, here.text)
		}
	})
}
