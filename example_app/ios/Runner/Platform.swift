import Flutter
import UIKit
import UniformTypeIdentifiers

/// What lib/services/platform_service.dart asks of iOS. Calls come on the main
/// thread; files are copied on another.
final class Platform: NSObject, UIDocumentPickerDelegate {
  private struct Picking {
    let into: URL
    let result: FlutterResult
  }

  private let channel: FlutterMethodChannel
  private var picking: Picking?

  init(messenger: FlutterBinaryMessenger) {
    channel = FlutterMethodChannel(name: "happy_phone/platform", binaryMessenger: messenger)
    super.init()
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
      pick(into: arguments?["into"] as? String, result)
    case "freeBytes":
      result(freeBytes(at: arguments?["path"] as? String))
    case "keepFromBackups":
      keepFromBackups(arguments?["path"] as? String)
      result(nil)
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

  private func keepFromBackups(_ path: String?) {
    guard let path else { return }
    var url = URL(fileURLWithPath: path, isDirectory: true)
    var values = URLResourceValues()
    values.isExcludedFromBackup = true
    try? url.setResourceValues(values)
  }

  private func pick(into: String?, _ result: @escaping FlutterResult) {
    guard let into, picking == nil, let top = topController() else {
      result(FlutterError(code: "argument", message: "into is missing, or a picker is open", details: nil))
      return
    }
    picking = Picking(into: URL(fileURLWithPath: into, isDirectory: true), result: result)
    // GGUF has no type of its own.
    let picker: UIDocumentPickerViewController
    if #available(iOS 14.0, *) {
      picker = UIDocumentPickerViewController(forOpeningContentTypes: [.data])
    } else {
      picker = UIDocumentPickerViewController(documentTypes: ["public.data"], in: .open)
    }
    picker.delegate = self
    top.present(picker, animated: true)
  }

  private func topController() -> UIViewController? {
    let scenes = UIApplication.shared.connectedScenes.compactMap { $0 as? UIWindowScene }
    var top = scenes.flatMap(\.windows).first { $0.isKeyWindow }?.rootViewController
    while let next = top?.presentedViewController { top = next }
    return top
  }

  func documentPickerWasCancelled(_ controller: UIDocumentPickerViewController) {
    picking?.result(nil)
    picking = nil
  }

  func documentPicker(_ controller: UIDocumentPickerViewController, didPickDocumentsAt urls: [URL]) {
    guard let waiting = picking else { return }
    picking = nil
    guard let source = urls.first else {
      waiting.result(nil)
      return
    }
    guard source.pathExtension.lowercased() == "gguf" else {
      // Not to copy a film of an hour first.
      let name = source.lastPathComponent
      waiting.result(FlutterError(code: "notAModel", message: name, details: nil))
      return
    }
    DispatchQueue.global(qos: .userInitiated).async {
      let answer: Any
      do {
        answer = try Platform.copy(source, into: waiting.into).path
      } catch {
        answer = FlutterError(code: "copy", message: error.localizedDescription, details: nil)
      }
      DispatchQueue.main.async { waiting.result(answer) }
    }
  }

  /// The file of another app, copied into a folder: all of it, or none.
  private static func copy(_ source: URL, into folder: URL) throws -> URL {
    let files = FileManager.default
    let allowed = source.startAccessingSecurityScopedResource()
    defer { if allowed { source.stopAccessingSecurityScopedResource() } }
    try files.createDirectory(at: folder, withIntermediateDirectories: true)
    let part = folder.appendingPathComponent(UUID().uuidString + ".part")
    defer { try? files.removeItem(at: part) }
    try files.copyItem(at: source, to: part)
    let copy = folder.appendingPathComponent(source.lastPathComponent)
    _ = try files.replaceItemAt(copy, withItemAt: part)
    return copy
  }
}
