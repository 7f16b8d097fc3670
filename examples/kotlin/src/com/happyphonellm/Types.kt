package com.happyphonellm

import kotlin.properties.ReadWriteProperty
import kotlin.reflect.KProperty

/** Whether a model fits into the memory of this device. */
enum class Fit { UNKNOWN, YES, TIGHT, NO }

/** The numbers that the KV cache is kept in. */
enum class KvType { F16, F32, Q8_0 }

/** Why an answer ended. */
enum class Finish { STOP, LENGTH, CONTEXT, STOPPED, ERROR }

/** Whether a model that can think before it answers shall. */
enum class Thinking { DEFAULT, ON, OFF }

/** What there is to know about a model; the fields of struct hp_llm_model_info. Token ids are -1 where there is none. */
data class ModelInfo(
    val architecture: String, val quantization: String, val name: String,
    val fit: Fit, val fileBytes: Long, val parameters: Long, val memoryBytes: Long, val kvBytesPerToken: Long,
    val deviceBytes: Long, val availableBytes: Long, val contextTrain: Int, val context: Int, val vocabulary: Int,
    val layers: Int, val embedding: Int, val threads: Int, val bos: Int, val eos: Int, val eot: Int,
    val hasVocabulary: Boolean, val hasChatTemplate: Boolean,
) {
    internal companion object {
        fun read(fill: (LongArray, Array<ByteArray?>) -> Unit): ModelInfo {
            val n = LongArray(Native.INFO_NUMBERS)
            val texts = arrayOfNulls<ByteArray>(3)
            fill(n, texts)
            val (architecture, quantization, name) = texts.map { String(it ?: ByteArray(0), Charsets.UTF_8) }
            return ModelInfo(
                architecture, quantization, name, Fit.entries.getOrElse(n[0].toInt()) { Fit.UNKNOWN },
                n[1], n[2], n[3], n[4], n[5], n[6],
                n[7].toInt(), n[8].toInt(), n[9].toInt(), n[10].toInt(), n[11].toInt(), n[12].toInt(),
                n[13].toInt(), n[14].toInt(), n[15].toInt(), n[16] and 1 != 0L, n[16] and 2 != 0L,
            )
        }
    }
}

/** How a session is made; 0: the default. */
data class SessionOptions(val context: Int = 0, val kvType: KvType = KvType.F16, val batch: Int = 0)

/** One message of a conversation. [toolCalls] is JSON, as in hp_llm_message. */
data class Message(
    val role: String, val content: String, val reasoning: String = "", val toolCalls: String = "",
    val toolCallId: String = "", val name: String = "",
)

/** How messages become a prompt. [tools] is JSON, as in hp_llm_chat_options. */
data class ChatOptions(val thinking: Thinking = Thinking.DEFAULT, val tools: String = "", val answerPrefix: Boolean = true)

/** How tokens are chosen; at first the library's defaults. The fields of struct hp_llm_sampling. */
class Sampling {
    internal val ints = IntArray(Native.SAMPLING_INTS)
    internal val floats = FloatArray(Native.SAMPLING_FLOATS)

    init {
        Native.samplingDefaults(ints, floats)
    }

    /** -1: a fresh one each time. */
    var seed: Int by int(0)
    var topK: Int by int(1)
    var mirostat: Int by int(2)
    var repeatLastN: Int by int(3)
    var dryAllowedLength: Int by int(4)
    var dryPenaltyLastN: Int by int(5)
    var minKeep: Int by int(6)

    /** 0: always the most probable token. */
    var temperature: Float by float(0)
    var topP: Float by float(1)
    var minP: Float by float(2)
    var typicalP: Float by float(3)
    var topNSigma: Float by float(4)
    var dynatempRange: Float by float(5)
    var dynatempExponent: Float by float(6)
    var xtcProbability: Float by float(7)
    var xtcThreshold: Float by float(8)
    var adaptiveTarget: Float by float(9)
    var adaptiveDecay: Float by float(10)
    var mirostatTau: Float by float(11)
    var mirostatEta: Float by float(12)
    var repeatPenalty: Float by float(13)
    var presencePenalty: Float by float(14)
    var frequencyPenalty: Float by float(15)
    var dryMultiplier: Float by float(16)
    var dryBase: Float by float(17)

    /** Their order, a letter each; "": the usual. */
    var samplers: String = ""

    /** What is added to a token's logit; Float.NEGATIVE_INFINITY bans it. */
    var biases: Map<Int, Float> = emptyMap()

    private fun int(i: Int) = object : ReadWriteProperty<Sampling, Int> {
        override fun getValue(thisRef: Sampling, property: KProperty<*>) = ints[i]
        override fun setValue(thisRef: Sampling, property: KProperty<*>, value: Int) { ints[i] = value }
    }

    private fun float(i: Int) = object : ReadWriteProperty<Sampling, Float> {
        override fun getValue(thisRef: Sampling, property: KProperty<*>) = floats[i]
        override fun setValue(thisRef: Sampling, property: KProperty<*>, value: Float) { floats[i] = value }
    }

    companion object {
        /** Always the most probable token. */
        fun greedy(): Sampling = Sampling().apply { temperature = 0f }
    }
}

/** What an answer is asked for: exactly one of [messages], [prompt] and [tokens]. [maxTokens] -1: until the context is full. */
data class Request(
    val messages: List<Message> = emptyList(), val prompt: String = "", val tokens: List<Int> = emptyList(),
    val maxTokens: Int = -1, val sampling: Sampling = Sampling(), val stops: List<String> = emptyList(),
    val chat: ChatOptions = ChatOptions(), val ignoreEos: Boolean = false, val promptSpecial: Boolean = false,
)

/** A step of an answer. [finish] is set in the last one. [token] is -1 where there is none; [text] has whole code points. */
data class Event(
    val text: String, val token: Int, val finish: Finish?, val promptTokens: Int, val cachedTokens: Int, val generatedTokens: Int,
)

/** Figures of a session's last answer so far, and of the process; the fields of struct hp_llm_stats. */
data class Stats(
    val promptTokens: Int, val cachedTokens: Int, val generatedTokens: Int, val contextTokens: Int, val contextCapacity: Int,
    val loadMs: Double, val promptMs: Double, val firstTokenMs: Double, val generateMs: Double,
    val promptTokensPerSecond: Double, val tokensPerSecond: Double, val peakMemoryBytes: Long,
)
