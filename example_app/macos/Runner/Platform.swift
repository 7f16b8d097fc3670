import Cocoa
import FlutterMacOS

/// What lib/services/platform_service.dart asks of macOS, on the main thread.
final class Platform {
  private let channel: FlutterMethodChannel
  private weak var window: NSWindow?

  init(messenger: FlutterBinaryMessenger, window: NSWindow) {
    self.window = window
    channel = FlutterMethodChannel(name: "happy_phone/platform", binaryMessenger: messenger)
    channel.setMethodCallHandler { [weak self] call, result in
      self?.answer(call, result)
    }
  }

  private func answer(_ call: FlutterMethodCall, _ result: @escaping FlutterResult) {
    let arguments = call.arguments as? [String: Any]
    switch call.method {
    case "hasFilePicker":
      result(true)
    case "pickFile":
      pick(result)
    case "freeBytes":
      result(freeBytes(at: arguments?["path"] as? String))
    case "directories":
      let folders = FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask)
      result(["support": folders[0].path])
    default:
      result(FlutterMethodNotImplemented)
    }
  }

  private func freeBytes(at path: String?) -> Int64? {
    guard let path else { return nil }
    let key = URLResourceKey.volumeAvailableCapacityForImportantUsageKey
    let values = try? URL(fileURLWithPath: path).resourceValues(forKeys: [key])
    return values?.volumeAvailableCapacityForImportantUsage
  }

  /// The sandbox lets the app read what was picked, until it ends.
  private func pick(_ result: @escaping FlutterResult) {
    let panel = NSOpenPanel()
    panel.allowsMultipleSelection = false
    panel.canChooseDirectories = false
    let finish = { (response: NSApplication.ModalResponse) in
      result(response == .OK ? panel.url?.path : nil)
    }
    if let window {
      panel.beginSheetModal(for: window, completionHandler: finish)
    } else {
      panel.begin(completionHandler: finish)
    }
  }
}
