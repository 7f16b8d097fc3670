package abitest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/testkit"
)

// TestXcframeworkScript runs build/xcframework.sh with tools that only note how
// they were called: as much of it as can be tested without a Mac.
func TestXcframeworkScript(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{"build/lib.sh", "build/xcframework.sh", "build/apple", "include", "go.mod"} {
		to := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", "-r", filepath.Join(testkit.Root(), path), to).CombinedOutput(); err != nil {
			t.Fatalf("cp: %v %s", err, out)
		}
	}
	bin := filepath.Join(root, "bin")
	record := `echo "$(basename "$0") GOOS=$GOOS GOARCH=$GOARCH CC=$CC: $*" >>"$CALLS"
# The file after -o or -output is made.
while (($#)); do [[ $1 == -o || $1 == -output ]] && echo made >"$2"; shift; done
`
	for name, script := range map[string]string{
		"uname":      `echo Darwin`,
		"xcrun":      `case "$*" in *--find*) echo fakeclang ;; *) echo "/sdk/$2" ;; esac`,
		"go":         `[[ $1 == env ]] && { echo go9.9.9; exit; }` + "\n" + record,
		"fakeclang":  record,
		"lipo":       record,
		"xcodebuild": record,
	} {
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/usr/bin/env bash\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	calls := filepath.Join(root, "calls")
	cmd := exec.Command(filepath.Join(root, "build", "xcframework.sh"))
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CALLS="+calls)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	log, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"go GOOS=ios GOARCH=arm64 CC=fakeclang -target arm64-apple-ios13.0 -isysroot /sdk/iphoneos: build -buildmode=c-archive",
		"go GOOS=ios GOARCH=amd64 CC=fakeclang -target x86_64-apple-ios13.0-simulator",
		"go GOOS=darwin GOARCH=arm64 CC=fakeclang -target arm64-apple-macos11.0",
		"-Wl,-exported_symbol,_hp_llm_* ",
		"-Wl,-headerpad_max_install_names ",
		"xcodebuild GOOS= GOARCH= CC=: -create-xcframework -framework ",
	} {
		if !strings.Contains(string(log), want) {
			t.Errorf("no call like %q in:\n%s", want, log)
		}
	}
	// Where hook/build.dart of the Dart package looks.
	for _, target := range []string{"ios-arm64", "ios-simulator-arm64", "ios-simulator-amd64", "macos-arm64", "macos-amd64"} {
		if _, err := os.Stat(filepath.Join(root, "build", "lib", target, "libhappyphonellm.dylib")); err != nil {
			t.Error(err)
		}
	}
	apple := filepath.Join(root, "build", "lib", "apple")
	for _, file := range []string{
		"ios/happyphonellm.framework/happyphonellm",
		"ios/happyphonellm.framework/Headers/hp_llm.h",
		"ios/happyphonellm.framework/Modules/module.modulemap",
		"ios/happyphonellm.framework/Info.plist",
		"ios/happyphonellm.framework/PrivacyInfo.xcprivacy",
		"simulator/happyphonellm.framework/happyphonellm",
		"macos/happyphonellm.framework/Headers/hp_llm.h",
		"macos/happyphonellm.framework/Resources/Info.plist",
		"macos/happyphonellm.framework/happyphonellm",
	} {
		if _, err := os.Stat(filepath.Join(apple, file)); err != nil {
			t.Error(err)
		}
	}
	plist, err := os.ReadFile(filepath.Join(apple, "ios/happyphonellm.framework/Info.plist"))
	if err != nil || !strings.Contains(string(plist), "<string>13.0</string>") {
		t.Errorf("Info.plist: %v\n%s", err, plist)
	}
}
