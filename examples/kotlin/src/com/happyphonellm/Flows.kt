package com.happyphonellm

import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.runInterruptible

// What is here needs kotlinx-coroutines-core in the app; the rest of the package does not.

/**
 * The events of an answer as a cold flow, computed by the library's threads and awaited on [Dispatchers.IO].
 * Cancelling the collection stops the answer within 50 ms, also while the prompt is still being read.
 */
fun Session.flow(request: Request): Flow<Event> = flow {
    start(request)
    var ended = false
    try {
        while (!ended) {
            coroutineContext.ensureActive()
            val event = next(POLL_MS) ?: continue
            ended = event.finish != null
            emit(event)
        }
    } finally {
        if (!ended) stop()
    }
}.flowOn(Dispatchers.IO)

/** [Model.load] for a coroutine of any dispatcher; cancelling it gives the load up. */
suspend fun loadModel(path: String, threads: Int = 0, progress: (Double) -> Boolean = { true }): Model {
    var model: Model? = null
    try {
        return runInterruptible(Dispatchers.IO) { Model.load(path, threads, progress).also { model = it } }
    } catch (e: CancellationException) {
        model?.close() // it came too late for whom it was for
        throw e
    }
}
