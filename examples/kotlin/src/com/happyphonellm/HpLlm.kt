package com.happyphonellm

/** How much the library has to say to developers. */
enum class LogLevel(internal val code: Int) { NONE(0), WARN(1), INFO(2) }

/** A message for developers. */
data class LogMessage(val level: LogLevel, val text: String)

/** The library itself. It is loaded when anything of this package is first used. */
object HpLlm {
    /** "MAJOR.MINOR.PATCH". */
    val version: String get() = Native.version()

    /** Which messages [nextLog] gives from now on; at first [LogLevel.WARN]. */
    fun setLogLevel(level: LogLevel) = Native.init(level.code)

    /** The oldest message that nobody has taken yet (256 are kept); null: none. */
    fun nextLog(): LogMessage? {
        val level = IntArray(1)
        val text = Native.nextLog(level) ?: return null
        return LogMessage(LogLevel.entries.first { it.code == level[0] }, String(text, Charsets.UTF_8))
    }
}

/** What went wrong; the codes of enum hp_llm_status, in whose comments is what each means. */
enum class Status(val code: Int) {
    ARGUMENT(-1), HANDLE(-2), BUSY(-3), STATE(-4), BUFFER(-5), VERSION(-6), UTF8(-7), IO(-8), FORMAT(-9),
    UNSUPPORTED(-10), FILE_CHANGED(-11), CONTEXT(-12), MEMORY(-13), STOPPED(-14), NO_VOCABULARY(-15),
    TEMPLATE(-16), LIMIT(-17), INTERNAL(-99), UNKNOWN(0);

    internal companion object {
        fun of(code: Int): Status = entries.firstOrNull { it.code == code } ?: UNKNOWN
    }
}

/** Every failure of the library. [code] is the number that it gave, also where this version has no [status] for it. */
class HpLlmException private constructor(val code: Int, message: String) : RuntimeException(message) {
    val status: Status = Status.of(code)

    /** Called by the native methods. */
    @Suppress("unused")
    private constructor(code: Int, message: ByteArray) :
        this(code, String(message, Charsets.UTF_8).ifEmpty { Native.statusName(code) } + " (" + Native.statusName(code) + ")")

    internal constructor(status: Status, message: String) : this(status.code, "$message (HP_LLM_ERROR_${status.name})")
}
