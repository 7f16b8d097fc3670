package android.content

import android.database.Cursor
import android.net.Uri
import java.io.InputStream

class ActivityNotFoundException : RuntimeException()

class Intent(action: String) {
    val data: Uri? external get

    external fun addCategory(category: String): Intent

    external fun setType(type: String): Intent

    companion object {
        const val ACTION_OPEN_DOCUMENT = "android.intent.action.OPEN_DOCUMENT"
        const val CATEGORY_OPENABLE = "android.intent.category.OPENABLE"
    }
}

abstract class ContentResolver {
    abstract fun openInputStream(uri: Uri): InputStream?

    abstract fun query(
        uri: Uri,
        projection: Array<String>?,
        selection: String?,
        selectionArgs: Array<String>?,
        sortOrder: String?,
    ): Cursor?
}
