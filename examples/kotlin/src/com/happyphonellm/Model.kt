package com.happyphonellm

import java.util.concurrent.atomic.AtomicLong

/**
 * A loaded model file. Any thread may use it; [close] frees it, with its sessions, and may come at any time:
 * what is running is stopped.
 */
class Model private constructor(handle: Long) : AutoCloseable {
    private val handle = AtomicLong(handle)

    val info: ModelInfo get() = ModelInfo.read { numbers, texts -> Native.modelInfo(handle.get(), numbers, texts) }

    /** Token ids of a text. [addSpecial]: BOS and EOS as the model wants; [parseSpecial]: control tokens are parsed. */
    fun tokenize(text: String, addSpecial: Boolean = false, parseSpecial: Boolean = false): IntArray =
        Native.tokenize(handle.get(), text.utf8(), (if (addSpecial) ADD_SPECIAL else 0) or (if (parseSpecial) PARSE_SPECIAL else 0))

    fun detokenize(ids: IntArray, showSpecial: Boolean = false): String =
        String(Native.detokenize(handle.get(), ids, if (showSpecial) SHOW_SPECIAL else 0), Charsets.UTF_8)

    /** The prompt that the model's chat template makes of messages. */
    fun chatPrompt(messages: List<Message>, chat: ChatOptions = ChatOptions()): String = String(
        Native.chatPrompt(handle.get(), flat(messages), chat.thinking.ordinal, chat.tools.utf8OrNull(), !chat.answerPrefix),
        Charsets.UTF_8,
    )

    /** A new, empty conversation. */
    fun session(options: SessionOptions = SessionOptions()): Session =
        Session(Native.createSession(handle.get(), options.context, options.kvType.ordinal, options.batch))

    /** Ends the answers of all its sessions, within 50 ms. */
    fun stop() = Native.stop(handle.get())

    override fun close() = Native.free(handle.getAndSet(0))

    companion object {
        private const val ADD_SPECIAL = 1
        private const val PARSE_SPECIAL = 2
        private const val SHOW_SPECIAL = 4

        /**
         * Loads a GGUF file; not for a main thread. [threads] 0: the fast cores of the device. [progress] is
         * called on this thread with 0 to 1; false gives up, with [Status.STOPPED]. An interrupt of the thread
         * gives up with an InterruptedException.
         */
        fun load(path: String, threads: Int = 0, progress: (Double) -> Boolean = { true }): Model {
            val model = Model(Native.loadBegin(path.utf8(), threads))
            try {
                val done = DoubleArray(1)
                do {
                    val ready = Native.loadPoll(model.handle.get(), POLL_MS, done)
                    if (Thread.interrupted()) throw InterruptedException("while loading $path")
                    if (!progress(done[0])) throw HpLlmException(Status.STOPPED, "$path: the load was given up")
                } while (!ready)
                return model
            } catch (e: Throwable) {
                model.close()
                throw e
            }
        }

        /** What a file is, without loading it; [options]: the session that memoryBytes and fit are about. */
        fun inspect(path: String, options: SessionOptions = SessionOptions()): ModelInfo = ModelInfo.read { numbers, texts ->
            Native.inspect(path.utf8(), options.context, options.kvType.ordinal, options.batch, numbers, texts)
        }
    }
}

/** For how long a native call waits before interrupts and cancellation are looked at. */
internal const val POLL_MS = 50

/** The texts of messages one after the other, six each, in the order of hp_llm_message. */
internal fun flat(messages: List<Message>): Array<ByteArray?> = messages.flatMap {
    listOf(it.role.utf8(), it.content.utf8(), it.reasoning.utf8OrNull(), it.toolCalls.utf8OrNull(), it.toolCallId.utf8OrNull(), it.name.utf8OrNull())
}.toTypedArray()
