// Walks through com.happyphonellm with a real model: every function once, errors, cancellation, several threads,
// and the JVM's own faults beside the library. The project's tests run it.
//
// usage: check MODEL.gguf
package com.happyphonellm.check

import com.happyphonellm.*
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.fold
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield

private val failures = AtomicInteger()

private fun expect(good: Boolean, what: () -> String) {
    if (good) return
    failures.incrementAndGet()
    println("${Throwable().stackTrace[1]}: ${what()}")
}

private fun <T> equal(got: T, want: T) = expect(got == want) { "$got, want $want" }

/** The status of what [f] throws; null: nothing. */
private fun status(f: () -> Unit): Status? = try {
    f()
    null
} catch (e: HpLlmException) {
    expect(e.message!!.contains("HP_LLM_ERROR_")) { "no name of the status in ${e.message}" }
    e.status
}

private fun question(tokens: Int) = Request(
    listOf(Message("system", "You are a helpful guide."), Message("user", "Tell me about the sea. 🌊")),
    maxTokens = tokens, sampling = Sampling.greedy(),
)

fun main(args: Array<String>) {
    val path = args.single()
    faults()
    Model.load(path, threads = 2).use { model ->
        texts(model, path)
        answers(model)
        concurrency(model)
        coroutines(model, path)
    }
    lives(path)
    faults()
    println(if (failures.get() == 0) "ok" else "failed")
    exitProcess(if (failures.get() == 0) 0 else 1)
}

private fun texts(model: Model, path: String) {
    val seen = Model.inspect(path)
    equal(model.info.architecture, seen.architecture)
    equal(model.info.threads, 2)
    expect(seen.vocabulary > 0 && seen.fileBytes > 0 && seen.hasVocabulary && seen.context > 0) { "$seen" }
    val text = "The sea is blue. 🌊"
    val ids = model.tokenize(text)
    equal(model.detokenize(ids), text)
    equal(model.tokenize("").size, 0)
    equal(model.detokenize(IntArray(0)), "")
    equal(status { model.detokenize(intArrayOf(seen.vocabulary)) }, Status.ARGUMENT)
    equal(status { Model.load("/no/such/файл.gguf") }, Status.IO)
    model.session().use {
        val prompt = model.chatPrompt(question(1).messages)
        expect(prompt.contains("🌊")) { prompt }
        val atOnce = it.answer(question(8))
        equal(it.answer(question(8).copy(messages = emptyList(), prompt = prompt, promptSpecial = true)), atOnce)
        val tokens = model.tokenize(prompt, addSpecial = true, parseSpecial = true).toList()
        equal(it.answer(question(8).copy(messages = emptyList(), tokens = tokens)), atOnce)
        equal(status { it.answer(Request()) }, Status.ARGUMENT)
        val first = model.tokenize(atOnce).first()
        val banned = Sampling.greedy().apply { biases = mapOf(first to Float.NEGATIVE_INFINITY) }
        expect(it.answer(question(8).copy(sampling = banned)) != atOnce) { "a banned token came" }
    }
    val defaults = Sampling()
    equal(defaults.seed, -1)
    equal(defaults.topK, 40)
    equal(defaults.temperature, 0.8f)
    equal(defaults.dryBase, 1.75f)
    equal(defaults.dryPenaltyLastN, 64)
    expect(HpLlm.version.count { it == '.' } == 2) { HpLlm.version }
    while (true) HpLlm.nextLog()?.let { expect(it.text.isNotEmpty()) { "$it" } } ?: break
}

private fun answers(model: Model) = model.session(SessionOptions(context = 256, kvType = KvType.F16)).use { session ->
    val request = question(24)
    val whole = session.answer(request)
    expect(whole.isNotEmpty()) { "no answer" }
    equal(session.stats.run { listOf(generatedTokens, contextCapacity) }, listOf(24, 256))

    val events = session.events(request).use { it.asSequence().toList() }
    equal(events.joinToString("") { it.text }, whole)
    equal(events.last().finish, Finish.LENGTH)
    expect(events.dropLast(1).all { it.finish == null }) { "$events" }

    // Stopped and continued: the same text.
    val text = StringBuilder()
    equal(session.generate(request) { text.append(it.text); it.generatedTokens < 9 }, Finish.STOPPED)
    expect(text.length < whole.length) { "it was not stopped" }
    equal(session.resume { text.append(it.text); true }, Finish.LENGTH)
    expect(whole.startsWith(text)) { "$text is not the beginning of $whole" }

    // An exception of the callback comes out, an interrupt too; the session goes on.
    try {
        session.generate(request) { throw IllegalStateException("mine") }
        expect(false) { "the exception came out" }
    } catch (e: IllegalStateException) {
        equal(e.message, "mine")
    }
    var interrupted = false
    val waiting = thread {
        try {
            session.generate(question(200)) { true }
        } catch (_: InterruptedException) {
            interrupted = true
        }
    }
    Thread.sleep(50)
    waiting.interrupt()
    waiting.join()
    expect(interrupted) { "an interrupt was lost" }
    equal(session.answer(request), whole)

    session.truncate(5)
    equal(session.tokens.size, 5)
    val stop = whole.substring(whole.length / 2, whole.length / 2 + 5)
    equal(session.answer(request.copy(stops = listOf(stop))), whole.substringBefore(stop))
}

/** Three sessions in threads of their own, another thread stops them again and again. */
private fun concurrency(model: Model) {
    val request = question(16)
    val want = model.session().use { it.answer(request) }
    val sessions = List(3) { model.session() }
    val team = sessions.map { session ->
        thread {
            var finish = session.generate(request) { true }
            while (finish == Finish.STOPPED) finish = session.resume { true }
            equal(model.detokenize(session.tokens).contains(want.take(8)), true)
        }
    }
    repeat(8) {
        Thread.sleep(30)
        sessions[it % sessions.size].stop()
    }
    team.forEach { it.join() }
    // When nothing stops them any more, they answer as ever.
    sessions.map { session -> thread { equal(session.answer(request), want) } }.forEach { it.join() }
    sessions.forEach { it.close() }
}

private fun coroutines(model: Model, path: String) = runBlocking {
    model.session().use { session ->
        val request = question(24)
        val want = session.answer(request)
        equal(session.flow(request).fold("") { text, event -> text + event.text }, want)

        // Cancelled in mid-answer: the session is free for the next one at once.
        val job = launch { session.flow(question(-1)).collect { yield() } }
        delay(200)
        withTimeout(5_000) {
            job.cancel()
            job.join()
        }
        equal(session.answer(request), want)
    }
    loadModel(path, threads = 1).close()
    equal(status { runBlocking { loadModel(path) { false } } }, Status.STOPPED)
}

/** Things that are used after their end, twice closed, or closed while busy. */
private fun lives(path: String) {
    val model = Model.load(path)
    val session = model.session()
    val done = thread { equal(status { session.generate(question(-1)) { true } }, Status.HANDLE) }
    Thread.sleep(100)
    model.close()
    done.join()
    equal(status { session.tokens }, Status.HANDLE)
    equal(status { model.session() }, Status.HANDLE)
    session.close()
    session.close()
    model.close()
}

/** The JVM makes exceptions of faults and of the ends of stacks: the library must leave it these. */
private fun faults() {
    var nulls = 0
    val texts = arrayOf("a", null)
    for (i in 0 until 200_000) {
        try {
            nulls += unsafeLength(texts[i and 1])
        } catch (_: NullPointerException) {
            nulls++
        }
    }
    equal(nulls, 200_000)
    fun deep(n: Int): Int = if (n < 0) 0 else deep(n + 1) + 1
    try {
        deep(0)
        expect(false) { "no end of the stack" }
    } catch (_: StackOverflowError) {
    }
}

@Suppress("UNCHECKED_CAST")
private fun unsafeLength(text: String?): Int = (listOf(text) as List<String>)[0].length
