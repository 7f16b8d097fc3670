package org.happyphonellm.example_app

import android.content.Intent
import io.flutter.embedding.android.FlutterActivity
import io.flutter.embedding.engine.FlutterEngine
import io.flutter.plugin.common.MethodChannel

/** The app's only activity. */
class MainActivity : FlutterActivity() {
    private val platform = Platform(this)

    override fun configureFlutterEngine(flutterEngine: FlutterEngine) {
        super.configureFlutterEngine(flutterEngine)
        MethodChannel(flutterEngine.dartExecutor.binaryMessenger, "happy_phone/platform")
            .setMethodCallHandler(platform)
    }

    // FlutterActivity is no ComponentActivity, which has the newer way.
    @Deprecated("Deprecated in Java")
    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        if (!platform.onPicked(requestCode, resultCode, data)) {
            super.onActivityResult(requestCode, resultCode, data)
        }
    }

    override fun onDestroy() {
        platform.close()
        super.onDestroy()
    }
}
