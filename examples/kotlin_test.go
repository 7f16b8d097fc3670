package examples_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"happyphonellm/internal/testkit"
)

// java skips the test where there is no JDK, or the Kotlin compiler has not
// been fetched.
func java(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"java", "javac"} {
		if _, err := exec.LookPath(tool); err != nil {
			testkit.Missing(t, tool, "make deps")
		}
	}
	testkit.Glob(t, "kotlin/*/kotlin-compiler-embeddable-*.jar")
}

func kotlinScript(args ...string) *exec.Cmd {
	return exec.Command(filepath.Join("kotlin", "build.sh"), args...)
}

func TestKotlin(t *testing.T) {
	java(t)
	path := model(t)
	lib := library(t)
	dir := t.TempDir()
	run(t, kotlinScript("classes", dir))
	run(t, kotlinScript("host", lib, dir))
	jars, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil || len(jars) != 4 {
		t.Fatalf("build.sh makes %v, %v", jars, err)
	}
	// The JVM checks every call of the glue; that Go has handlers of signals is known to it.
	command := func(class string, args ...string) *exec.Cmd {
		return exec.Command("java", append([]string{"-Xcheck:jni", "-XX:+AllowUserSignalHandlers", "-Xmx256m",
			"-Djava.library.path=" + dir + ":" + lib, "-cp", strings.Join(jars, ":"), class}, args...)...)
	}
	t.Run("chat", func(t *testing.T) {
		chat(t, command("com.happyphonellm.chat.ChatKt"), path)
		badUses(t, func(args ...string) *exec.Cmd { return command("com.happyphonellm.chat.ChatKt", args...) })
	})
	t.Run("check", func(t *testing.T) {
		cmd := command("com.happyphonellm.check.CheckKt", path)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil || string(out) != "ok\n" || strings.Contains(stderr.String(), "native method") {
			t.Errorf("check: %v\n%s%s", err, out, &stderr)
		}
	})
}

// TestKotlinAndroid builds the glue for Android, linked with a library that has
// just the names of ours.
func TestKotlinAndroid(t *testing.T) {
	java(t)
	for _, tool := range []string{"clang", "ld.lld", "readelf"} {
		compiler(t, tool)
	}
	names, err := os.ReadFile(filepath.Join(testkit.Root(), "build", "exports.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var stub strings.Builder
	for _, name := range strings.Fields(string(names)) {
		fmt.Fprintf(&stub, "void %s(void) {}\n", name)
	}
	for target, triple := range map[string]string{"android-arm64": "aarch64-linux-android21", "android-amd64": "x86_64-linux-android21"} {
		t.Run(target, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command("clang", "--target="+triple, "-fuse-ld=lld", "-nostdlib", "-shared", "-Wl,-soname,libhappyphonellm.so",
				"-x", "c", "-", "-o", filepath.Join(dir, "libhappyphonellm.so"))
			cmd.Stdin = strings.NewReader(stub.String())
			run(t, cmd)
			run(t, kotlinScript(target, dir, dir))
			glue := filepath.Join(dir, "libhappyphonellm_jni.so")

			var needed, exported []string
			for line := range strings.Lines(run(t, exec.Command("readelf", "-dW", glue))) {
				if strings.Contains(line, "(NEEDED)") {
					needed = append(needed, line[strings.Index(line, "[")+1:strings.Index(line, "]")])
				}
			}
			slices.Sort(needed)
			if want := []string{"libc.so", "libhappyphonellm.so"}; !slices.Equal(needed, want) {
				t.Errorf("the glue needs %v, want %v", needed, want)
			}
			for line := range strings.Lines(run(t, exec.Command("readelf", "-lW", glue))) {
				if f := strings.Fields(line); len(f) > 0 && f[0] == "LOAD" && f[len(f)-1] != "0x4000" {
					t.Errorf("a segment is not aligned to 16 KiB: %s", line)
				}
			}
			for line := range strings.Lines(run(t, exec.Command("readelf", "--dyn-syms", "-W", glue))) {
				if f := strings.Fields(line); len(f) == 8 && f[4] == "GLOBAL" && f[6] != "UND" {
					exported = append(exported, f[7])
				}
			}
			for _, name := range exported {
				if name != "JNI_OnLoad" && !strings.HasPrefix(name, "Java_com_happyphonellm_Native_") {
					t.Errorf("the glue exports %s", name)
				}
			}
			if len(exported) < 20 {
				t.Errorf("the glue exports %v", exported)
			}
		})
	}
}
