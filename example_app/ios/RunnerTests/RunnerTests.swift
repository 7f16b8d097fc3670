import XCTest

@testable import Runner

class RunnerTests: XCTestCase {
  func testTheDisplayName() {
    XCTAssertEqual(Bundle.main.object(forInfoDictionaryKey: "CFBundleDisplayName") as? String, "Happy Phone")
  }
}
