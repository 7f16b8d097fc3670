package android.os

abstract class Looper {
    companion object {
        external fun getMainLooper(): Looper
    }
}

class Handler(looper: Looper) {
    external fun post(r: Runnable): Boolean
}

class StatFs(path: String) {
    val availableBytes: Long external get
}
