// swift-tools-version: 6.0
import PackageDescription

// The C interface: on Linux the header and library of the repository, on Apple's systems the xcframework that
// `make xcframework` builds, which is to be put (or linked) beside this file.
#if os(Linux)
let library = Target.systemLibrary(name: "happyphonellm", path: "Linux/happyphonellm")
#else
let library = Target.binaryTarget(name: "happyphonellm", path: "happyphonellm.xcframework")
#endif

// The module's name is not HappyPhoneLLM: on a file system without case it would hide the C interface's.
let package = Package(
  name: "HappyPhone",
  platforms: [.iOS(.v13), .macOS(.v11)],
  products: [.library(name: "HappyPhone", targets: ["HappyPhone"])],
  targets: [
    library,
    .target(name: "HappyPhone", dependencies: ["happyphonellm"]),
    .executableTarget(name: "chat", dependencies: ["HappyPhone"]),
    .executableTarget(name: "check", dependencies: ["HappyPhone"]),
  ]
)
