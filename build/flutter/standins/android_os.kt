package android.os

abstract class Looper {
    companion object {
        fun getMainLooper(): Looper = TODO()
    }
}

class Handler(looper: Looper) {
    fun post(r: Runnable): Boolean = TODO()
}

class StatFs(path: String) {
    val availableBytes: Long = TODO()
}
