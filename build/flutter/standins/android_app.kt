// What example_app's Kotlin uses of Android and of Flutter's embedding, by their
// names and types alone: build/flutter/analyze.sh compiles it against this folder,
// as there is neither here.
package android.app

import android.content.ContentResolver
import android.content.Intent
import java.io.File

open class Activity {
    val filesDir: File external get
    val contentResolver: ContentResolver external get

    open external fun startActivityForResult(intent: Intent, requestCode: Int): Unit

    protected open external fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?): Unit

    protected open external fun onDestroy(): Unit

    companion object {
        const val RESULT_OK = -1
    }
}
