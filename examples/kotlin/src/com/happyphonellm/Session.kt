package com.happyphonellm

import java.util.concurrent.atomic.AtomicLong

/**
 * A conversation (context) on a model. One answer at a time; [stop] and [close] may come from any thread, at any
 * time. See also [flow].
 */
class Session internal constructor(handle: Long) : AutoCloseable {
    private val handle = AtomicLong(handle)

    /**
     * Answers, calling [onEvent] on this thread; false stops. Gives the reason of the end. Also an exception of
     * [onEvent], and an interrupt of the thread (as InterruptedException), stop the answer.
     */
    fun generate(request: Request, onEvent: (Event) -> Boolean): Finish = events(request).use { it.drain(onEvent) }

    /** Goes on with an answer that was stopped. */
    fun resume(onEvent: (Event) -> Boolean): Finish {
        Native.resume(handle.get())
        return Events(this).use { it.drain(onEvent) }
    }

    /** The whole text of an answer. */
    fun answer(request: Request): String = buildString { generate(request) { append(it.text); true } }

    /** Begins to answer on the library's threads: `session.events(request).use { for (event in it) print(event.text) }`. */
    fun events(request: Request): Events {
        start(request)
        return Events(this)
    }

    /** The same by hand: take the events with [next], until one has a finish. */
    fun start(r: Request) {
        val flags = (if (r.ignoreEos) IGNORE_EOS else 0) or (if (r.promptSpecial) PROMPT_SPECIAL else 0)
        Native.start(
            handle.get(), if (r.messages.isEmpty()) null else flat(r.messages), r.prompt.utf8OrNull(), r.tokens.toIntArray(),
            r.stops.map { it.utf8() }.toTypedArray(), r.chat.tools.utf8OrNull(),
            intArrayOf(r.maxTokens, flags, r.chat.thinking.ordinal, if (r.chat.answerPrefix) 0 else 1),
            r.sampling.ints, r.sampling.floats, r.sampling.samplers.utf8OrNull(),
            r.sampling.biases.keys.toIntArray(), r.sampling.biases.values.toFloatArray(),
        )
    }

    /** The next event of the answer; null: there was none within [timeoutMs] (0: only looks, -1: no limit). */
    fun next(timeoutMs: Int): Event? {
        val n = IntArray(Native.EVENT_NUMBERS)
        val text = Native.next(handle.get(), timeoutMs, n) ?: return null
        return Event(String(text, Charsets.UTF_8), n[1], Finish.entries.getOrNull(n[0] - 1), n[2], n[3], n[4])
    }

    /** Ends a running answer within 50 ms; the session stays usable. */
    fun stop() = Native.stop(handle.get())

    /** The tokens in the context. */
    val tokens: IntArray get() = Native.sessionTokens(handle.get())

    /** Forgets the tokens from position [length] on. */
    fun truncate(length: Long) = Native.truncate(handle.get(), length)

    val stats: Stats
        get() {
            val n = DoubleArray(Native.STATS_NUMBERS)
            Native.stats(handle.get(), n)
            return Stats(
                n[0].toInt(), n[1].toInt(), n[2].toInt(), n[3].toInt(), n[4].toInt(), n[5], n[6], n[7], n[8], n[9], n[10], n[11].toLong(),
            )
        }

    override fun close() = Native.free(handle.getAndSet(0))

    private companion object {
        const val IGNORE_EOS = 1
        const val PROMPT_SPECIAL = 2
    }
}

/** The events of an answer, to be gone through once. [close] stops it, if it has not ended; `use` does that. */
class Events internal constructor(private val session: Session) : Iterator<Event>, AutoCloseable {
    private var ended = false

    override fun hasNext(): Boolean = !ended

    override fun next(): Event {
        if (ended) throw NoSuchElementException("the answer has ended")
        try {
            while (true) {
                // Looked at before every event: they may come faster than any wait ends.
                if (Thread.interrupted()) throw InterruptedException("while the model answers")
                val event = session.next(POLL_MS) ?: continue
                ended = event.finish != null
                return event
            }
        } catch (e: HpLlmException) {
            ended = true
            throw e
        }
    }

    override fun close() {
        if (!ended) session.stop()
        ended = true
    }

    internal fun drain(onEvent: (Event) -> Boolean): Finish {
        while (true) {
            val event = next()
            val goOn = onEvent(event)
            if (event.finish != null) return event.finish
            if (!goOn) return Finish.STOPPED
        }
    }
}
