package org.happyphonellm.example_app

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import android.os.Handler
import android.os.Looper
import android.os.StatFs
import android.provider.OpenableColumns
import io.flutter.plugin.common.MethodCall
import io.flutter.plugin.common.MethodChannel
import java.io.File
import java.io.IOException
import java.util.concurrent.Executors

/**
 * What lib/services/platform_service.dart asks of Android. All calls come on the
 * main thread; files are copied on another.
 */
class Platform(private val activity: Activity) : MethodChannel.MethodCallHandler {
    private val copier = Executors.newSingleThreadExecutor()
    private val main = Handler(Looper.getMainLooper())
    private var picking: Picking? = null

    private class Picking(val into: String, val result: MethodChannel.Result)

    override fun onMethodCall(call: MethodCall, result: MethodChannel.Result) {
        when (call.method) {
            "hasFilePicker" -> result.success(true)
            "pickFile" -> pick(call.argument<String>("into"), result)
            "freeBytes" -> result.success(freeBytes(call.argument<String>("path")))
            "directories" -> result.success(mapOf("support" to activity.filesDir.path))
            else -> result.notImplemented()
        }
    }

    /** Ends what waits for the activity. */
    fun close() {
        picking?.result?.success(null)
        picking = null
        copier.shutdown()
    }

    private fun pick(into: String?, result: MethodChannel.Result) {
        if (into == null || picking != null) {
            result.error("argument", "into is missing, or a picker is open", null)
            return
        }
        // GGUF has no type of its own.
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT)
            .addCategory(Intent.CATEGORY_OPENABLE)
            .setType("*/*")
        picking = Picking(into, result)
        try {
            @Suppress("DEPRECATION")
            activity.startActivityForResult(intent, PICK)
        } catch (e: ActivityNotFoundException) {
            picking = null
            result.error("picker", e.message, null)
        }
    }

    /** Whether this result was of the picker. */
    fun onPicked(request: Int, code: Int, data: Intent?): Boolean {
        if (request != PICK) return false
        val waiting = picking ?: return true
        picking = null
        val source = data?.data
        if (code != Activity.RESULT_OK || source == null) {
            waiting.result.success(null)
            return true
        }
        copier.execute {
            try {
                val name = name(source)
                if (!name.endsWith(".gguf", ignoreCase = true)) {
                    // Not to copy a film of an hour first.
                    main.post { waiting.result.error("notAModel", name, null) }
                    return@execute
                }
                val copy = copy(source, File(waiting.into), name)
                main.post { waiting.result.success(copy.path) }
            } catch (e: IOException) {
                main.post { waiting.result.error("copy", e.message, null) }
            } catch (e: SecurityException) {
                main.post { waiting.result.error("copy", e.message, null) }
            }
        }
        return true
    }

    /** The file of another app, copied into [folder] as [name]: all of it, or none. */
    private fun copy(source: Uri, folder: File, name: String): File {
        folder.mkdirs()
        val part = File.createTempFile("import", ".part", folder)
        try {
            val input = activity.contentResolver.openInputStream(source)
                ?: throw IOException("$source cannot be opened")
            input.use { from -> part.outputStream().use { from.copyTo(it, 1 shl 20) } }
            val copy = File(folder, name)
            if (!part.renameTo(copy)) throw IOException("$copy cannot be written")
            return copy
        } finally {
            part.delete()
        }
    }

    /** The name that its owner gives it, without anything that leads elsewhere. */
    private fun name(source: Uri): String {
        val columns = arrayOf(OpenableColumns.DISPLAY_NAME)
        val told = activity.contentResolver.query(source, columns, null, null, null)?.use {
            if (it.moveToFirst()) it.getString(0) else null
        }
        return File(told ?: "model.gguf").name.ifEmpty { "model.gguf" }
    }

    private fun freeBytes(path: String?): Long? = try {
        path?.let { StatFs(it).availableBytes }
    } catch (e: IllegalArgumentException) {
        null
    }

    private companion object {
        const val PICK = 0x6767
    }
}
