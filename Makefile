# The map: `make` or `make help`. Every recipe is one script of build/.
.DEFAULT_GOAL := help
.PHONY: help demo build test quick test-arm64 test-race test-purego test-convert adapters golden fidelity models fuzz bench bench-threads bench-arm64 lint cross deps clean

help: ## show this map
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

demo: ## build, fetch a small model once, and answer a question (MODEL=path PROMPT=text)
	@build/demo.sh

build: ## the command line program: build/bin/hpllm-cli
	@build/build.sh

test: ## every test there is; the last line counts them
	@build/test.sh

quick: ## only this machine's Go tests
	go test ./...

test-arm64: ## the engine's tests as an arm64 program, under qemu
	@build/test.sh arm64

test-race: ## the engine's tests under the race detector
	@build/test.sh race

test-purego: ## the engine's tests without assembly
	@build/test.sh purego

adapters: ## the table of what can be converted, into docs/convert.md
	HPLLM_WRITE=1 go test ./internal/convert -run TestAdapterTable -count=1

golden: ## make the small checkpoints of internal/convert/testdata again (root)
	@build/convert/golden.sh

fidelity: ## compare with llama.cpp on every tensor type and write docs/fidelity.md (an hour)
	@build/fidelity.sh

models: ## compare every architecture with llama.cpp and write docs/models.md (minutes)
	@build/fidelity.sh models

test-convert: ## convert tiny checkpoints of every family, beside transformers and llama.cpp's script
	@build/convert/test.sh

fuzz: ## the native fuzz targets, FUZZTIME each (default 5m)
	@build/fuzz.sh

bench: ## speed of the kernels and of the demo model
	@build/bench.sh

bench-peer: ## speed beside llama-bench on every model file, into docs/performance.md (half an hour, root, a quiet machine)
	@build/performance.sh

bench-threads: ## speed with more threads than cores, and with a busy core
	@build/threads.sh

bench-arm64: ## exact arm64 instructions, of the kernels and per token, under qemu
	@build/arm64/count.sh
	@build/arm64/tokens.sh

lint: ## gofmt, vet, staticcheck, shellcheck
	@build/test.sh lint

cross: ## compile for linux, android, darwin, ios, windows
	@build/test.sh cross

deps: ## everything tests need: packages, models, llama.cpp's tools (8 GB in the cache folder)
	@build/deps.sh

clean: ## remove what was built here (not the cache folder)
	rm -rf build/bin build/lib

# The library for other programs (docs/abi.md).
.PHONY: lib lib-android-arm64 lib-android-amd64 lib-linux-arm64 xcframework aar soak

lib: ## libhappyphonellm.so for this machine: build/lib/host
	@build/library.sh host

lib-android-arm64: ## the same for Android phones (NDK in ANDROID_NDK_HOME, or clang)
	@build/library.sh android-arm64

lib-android-amd64: ## for Android emulators
	@build/library.sh android-amd64

lib-linux-arm64: ## for Linux on arm64
	@build/library.sh linux-arm64

xcframework: ## for iOS and macOS, and what Flutter bundles there (on a Mac with Xcode)
	@build/xcframework.sh

aar: ## the Android library with its Kotlin wrapper: build/lib/happyphonellm.aar
	@build/aar.sh

soak: ## the library's long tests, half an hour on an idle machine
	@build/soak.sh

# The Flutter app (docs/flutter.md).
.PHONY: app app-test app-drive

app: ## the Flutter app for this desktop: build/bin/happy-phone (Linux, root; else: flutter run)
	@build/flutter.sh desktop build/bin/happy-phone

app-test: ## the app's tests, in the real Flutter engine
	@build/flutter.sh test

app-drive: ## start the app on an unseen screen, ask it, stop it; pictures in build/bin/drive
	@build/flutter.sh drive build/bin/drive
