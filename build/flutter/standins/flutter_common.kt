package io.flutter.plugin.common

interface BinaryMessenger

class MethodCall {
    val method: String external get

    external fun <T> argument(key: String): T?
}

class MethodChannel(messenger: BinaryMessenger, name: String) {
    external fun setMethodCallHandler(handler: MethodCallHandler?): Unit

    interface MethodCallHandler {
        fun onMethodCall(call: MethodCall, result: Result)
    }

    interface Result {
        fun success(result: Any?)

        fun error(errorCode: String, errorMessage: String?, errorDetails: Any?)

        fun notImplemented()
    }
}
