package io.flutter.plugin.common

interface BinaryMessenger

class MethodCall {
    val method: String = TODO()

    fun <T> argument(key: String): T? = TODO()
}

class MethodChannel(messenger: BinaryMessenger, name: String) {
    fun setMethodCallHandler(handler: MethodCallHandler?): Unit = TODO()

    interface MethodCallHandler {
        fun onMethodCall(call: MethodCall, result: Result)
    }

    interface Result {
        fun success(result: Any?)

        fun error(errorCode: String, errorMessage: String?, errorDetails: Any?)

        fun notImplemented()
    }
}
