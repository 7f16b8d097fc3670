package io.flutter.embedding.engine

import io.flutter.plugin.common.BinaryMessenger

class DartExecutor {
    val binaryMessenger: BinaryMessenger external get
}

class FlutterEngine {
    val dartExecutor: DartExecutor external get
}
