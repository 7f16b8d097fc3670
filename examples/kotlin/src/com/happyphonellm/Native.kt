package com.happyphonellm

/**
 * The native methods, in jni/hp_llm_jni.c. Texts are UTF-8 in byte arrays, handles are Long, absent arrays
 * null; failures are thrown as [HpLlmException]. The names are the linkage: consumer-rules.pro keeps them.
 */
internal object Native {
    init {
        System.loadLibrary("happyphonellm")
        System.loadLibrary("happyphonellm_jni")
        init(LogLevel.WARN.code)
    }

    /** The defaults of all native lists below have as many numbers as these. */
    const val SAMPLING_INTS = 7
    const val SAMPLING_FLOATS = 18
    const val INFO_NUMBERS = 17
    const val EVENT_NUMBERS = 5
    const val STATS_NUMBERS = 12

    @JvmStatic external fun init(logLevel: Int)
    @JvmStatic external fun version(): String
    @JvmStatic external fun statusName(status: Int): String
    @JvmStatic external fun nextLog(level: IntArray): ByteArray?
    @JvmStatic external fun stop(handle: Long)
    @JvmStatic external fun free(handle: Long)

    @JvmStatic external fun loadBegin(path: ByteArray, threads: Int): Long
    @JvmStatic external fun loadPoll(model: Long, timeoutMs: Int, done: DoubleArray): Boolean
    @JvmStatic external fun inspect(path: ByteArray, context: Int, kvType: Int, batch: Int, numbers: LongArray, texts: Array<ByteArray?>)
    @JvmStatic external fun modelInfo(model: Long, numbers: LongArray, texts: Array<ByteArray?>)

    @JvmStatic external fun tokenize(model: Long, text: ByteArray, flags: Int): IntArray
    @JvmStatic external fun detokenize(model: Long, ids: IntArray, flags: Int): ByteArray
    @JvmStatic external fun chatPrompt(model: Long, messages: Array<ByteArray?>, thinking: Int, tools: ByteArray?, noAnswerPrefix: Boolean): ByteArray

    @JvmStatic external fun createSession(model: Long, context: Int, kvType: Int, batch: Int): Long
    @JvmStatic external fun sessionTokens(session: Long): IntArray
    @JvmStatic external fun truncate(session: Long, size: Long)
    @JvmStatic external fun samplingDefaults(ints: IntArray, floats: FloatArray)
    @JvmStatic external fun start(
        session: Long, messages: Array<ByteArray?>?, prompt: ByteArray?, tokens: IntArray?, stops: Array<ByteArray?>?,
        tools: ByteArray?, numbers: IntArray, samplingInts: IntArray, samplingFloats: FloatArray, samplers: ByteArray?,
        biasTokens: IntArray?, biasValues: FloatArray?,
    )
    @JvmStatic external fun resume(session: Long)
    @JvmStatic external fun next(session: Long, timeoutMs: Int, numbers: IntArray): ByteArray?
    @JvmStatic external fun stats(session: Long, numbers: DoubleArray)
}

/** UTF-8; a lone surrogate, which no text has, becomes "?". */
internal fun String.utf8(): ByteArray = toByteArray(Charsets.UTF_8)

internal fun String.utf8OrNull(): ByteArray? = if (isEmpty()) null else utf8()
