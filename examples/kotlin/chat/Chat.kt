// A chat in the terminal, over com.happyphonellm and its Flow.
//
// usage: chat MODEL.gguf [--greedy] [--max TOKENS]
//
// Every line of the input is a question, the conversation is remembered.
package com.happyphonellm.chat

import com.happyphonellm.HpLlmException
import com.happyphonellm.Message
import com.happyphonellm.Model
import com.happyphonellm.Request
import com.happyphonellm.Sampling
import com.happyphonellm.flow
import kotlin.system.exitProcess
import kotlinx.coroutines.runBlocking

fun main(args: Array<String>) {
    var path: String? = null
    var maxTokens = -1
    var greedy = false
    var bad = false
    val rest = args.iterator()
    for (arg in rest) {
        when {
            arg == "--greedy" -> greedy = true
            arg == "--max" && rest.hasNext() -> maxTokens = rest.next().toIntOrNull()?.takeIf { it > 0 } ?: 0.also { bad = true }
            !arg.startsWith("-") && path == null -> path = arg
            else -> bad = true
        }
    }
    val model = path
    if (model == null || bad) {
        System.err.println("usage: chat MODEL.gguf [--greedy] [--max TOKENS]")
        exitProcess(2)
    }
    try {
        runBlocking { chat(model, if (greedy) Sampling.greedy() else Sampling(), maxTokens) }
    } catch (e: HpLlmException) {
        System.err.println("chat: ${e.message}")
        exitProcess(1)
    }
}

private suspend fun chat(path: String, sampling: Sampling, maxTokens: Int) {
    val input = System.`in`.bufferedReader(Charsets.UTF_8)
    val output = java.io.PrintStream(java.io.FileOutputStream(java.io.FileDescriptor.out), true, Charsets.UTF_8)
    val messages = mutableListOf<Message>()
    Model.load(path).use { model ->
        model.session().use { session ->
            while (true) {
                if (System.console() != null) System.err.print("> ")
                messages += Message("user", input.readLine() ?: return)
                val answer = StringBuilder()
                session.flow(Request(messages, maxTokens = maxTokens, sampling = sampling)).collect {
                    output.print(it.text)
                    output.flush()
                    answer.append(it.text)
                }
                output.print("\n")
                messages += Message("assistant", answer.toString())
            }
        }
    }
}
