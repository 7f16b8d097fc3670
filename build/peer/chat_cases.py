#!/usr/bin/env python3
"""Prints the cases of llama.cpp's own test of what models answer, one line of JSON each.

usage: chat_cases.py LLAMA_CPP_SOURCE > cases.jsonl

The test, tests/test-chat.cpp, is a program. It is compiled with what checks a case replaced by what prints it; what
else of llama.cpp it would call is left out, and never called.
"""
import pathlib
import subprocess
import sys
import tempfile

PRINT = r"""
    std::string out = "{";
    auto text = [&](const char *name, const std::string &s) {
        out += std::string("\"") + name + "\":\"";
        for (char c : s) {
            char escaped[8];
            bool plain = (unsigned char)c >= 0x20 && c != '"' && c != '\\';
            snprintf(escaped, sizeof escaped, plain ? "%c" : "\\u%04x", plain ? c : (unsigned char)c);
            out += escaped;
        }
        out += "\",";
    };
    auto value = [&](const char *name, const std::string &json) { out += std::string("\"") + name + "\":" + json + ","; };
    auto yes = [](bool is) { return std::string(is ? "true" : "false"); };
    auto close = [&](char end) { out.back() == ',' ? void(out.back() = end) : out.push_back(end); };
    auto message = [&](const common_chat_msg &m) {
        out += "{";
        text("role", m.role), text("content", m.content), text("reasoning", m.reasoning_content);
        out += "\"calls\":[";
        for (auto &call : m.tool_calls) {
            out += "{";
            text("id", call.id), text("name", call.name), text("arguments", call.arguments);
            close('}'), out += ",";
        }
        close(']'), out += "},";
    };
    text("template", the_template), text("input", tc.input), text("schema", tc.params.json_schema);
    value("partial", yes(tc.is_partial)), value("thinking", yes(tc.params.enable_thinking));
    value("continues", yes(tc.params.continue_final_message != COMMON_CHAT_CONTINUATION_NONE));
    value("separate", yes(tc.params.reasoning_format != COMMON_REASONING_FORMAT_NONE));
    out += "\"tools\":[";
    for (auto &tool : tc.params.tools) {
        out += "{";
        text("name", tool.name), text("description", tool.description), value("parameters", tool.parameters);
        close('}'), out += ",";
    }
    close(']'), out += ",\"messages\":[";
    for (auto &m : tc.params.messages) message(m);
    close(']'), out += ",\"expect\":";
    message(tc.expect);
    close('}');
    std::replace(out.begin(), out.end(), '\n', ' ');
    puts(out.c_str());
}
"""


def between(source, begin, end, replacement):
    """Puts replacement where source has begin and all up to end."""
    start = source.index(begin)
    return source[:start] + replacement + source[source.index(end, start):]


def main():
    root = pathlib.Path(sys.argv[1])
    source = (root / "tests/test-chat.cpp").read_text()
    source = between(source, "    auto parser = make_peg_parser(tmpls, tc.params", "// Fluent builder", PRINT)
    source = source.replace("static void test_peg_parser(", "static std::string the_template;\nstatic void test_peg_parser(", 1)
    source = source.replace("        test_peg_parser(tester_", "        the_template = tester_.template_path();\n        test_peg_parser(tester_", 1)
    source = source.replace("using json = ", "#undef LOG_DBG\n#undef LOG_INF\n#define LOG_DBG(...)\n#define LOG_INF(...)\nusing json = ", 1)
    # Checks between the cases that want prompts of llama.cpp get one that they accept.
    source = source.replace("common_chat_templates_apply(tmpls.get(), inputs)", "accepted(inputs)")
    source = source.replace("static common_chat_templates_ptr read_templates(", """
static common_chat_params accepted(const common_chat_templates_inputs &inputs) {
    common_chat_params params;
    params.prompt = inputs.add_generation_prompt ? "First part.Second part.<turn|>\\n<|turn>model\\n" : "";
    return params;
}
static common_chat_templates_ptr read_templates(const std::string &) { return {}; }
static common_chat_templates_ptr read_templates_unused(""", 1)
    source = source[: source.index("int main(")] + "int main() { test_template_output_peg_parsers(false); }\n"
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work, "tests/cases.cpp")
        path.parent.mkdir()
        path.write_text(source.replace('"../', f'"{root}/'))
        include = [f"-I{root}/{d}" for d in ("common", "src", "include", "ggml/include", "vendor", "tools/server", "tools/mtmd")]
        link = ["-no-pie", "-Wl,-z,lazy,--unresolved-symbols=ignore-all"]
        subprocess.run(["g++", "-std=c++17", "-O0", "-w", *include, path, "-o", f"{work}/cases", *link], check=True)
        subprocess.run([f"{work}/cases"], check=True)


main()
