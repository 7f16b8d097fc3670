import Cocoa
import FlutterMacOS

class MainFlutterWindow: NSWindow {
  private var platform: Platform?

  override func awakeFromNib() {
    let controller = FlutterViewController()
    let frame = self.frame
    contentViewController = controller
    setFrame(frame, display: true)
    RegisterGeneratedPlugins(registry: controller)
    platform = Platform(messenger: controller.engine.binaryMessenger, window: self)
    super.awakeFromNib()
  }
}
