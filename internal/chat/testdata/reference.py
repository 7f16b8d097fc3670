#!/usr/bin/env python3
"""Renders chat templates with Python's Jinja2, set up as Hugging Face transformers does.

It is the reference that internal/chat is compared with. Usage:

    python3 reference.py CONVERSATIONS.json TOOLS.json TEMPLATE.jinja... > expected.jsonl

    python3 reference.py --snippets VARS.json SNIPPETS.txt > expected.jsonl

The second form renders small templates, parted by lines of "===", with the variables of VARS.json.
One JSON line per template and conversation: {"template", "conversation", "ok", "text"}, where text is
the prompt, or "ErrorClass: message" when rendering raised. The clock stands at 2025-02-03 04:05:06.
"""
import copy
import datetime
import functools
import json
import os
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2025, 2, 3, 4, 5, 6)


class Generation(jinja2.ext.Extension):
    """The {% generation %} tag: it marks the assistant's text and prints its body unchanged."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("render"), [], [], body).set_lineno(line)

    def render(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def render(template, conversation, tools):
    try:
        return True, template().render(
            **{
                "messages": conversation["messages"],
                "tools": tools if conversation.get("tools") else None,
                "documents": None,
                "add_generation_prompt": conversation.get("add_generation_prompt", True),
                "bos_token": "<s>",
                "eos_token": "</s>",
                **conversation.get("vars", {}),
            }
        )
    except Exception as e:  # a template may raise anything
        return False, f"{type(e).__name__}: {e}"


def snippets(vars_path, path):
    with open(vars_path, encoding="utf-8") as f:
        variables = json.load(f)
    with open(path, encoding="utf-8", newline="") as f:
        sources = f.read().split("\n===\n")
    for source in sources:
        try:
            ok, text = True, environment().from_string(source).render(**copy.deepcopy(variables))
        except Exception as e:
            ok, text = False, f"{type(e).__name__}: {e}"
        print(json.dumps({"template": source, "ok": ok, "text": text}))


def main():
    if sys.argv[1] == "--snippets":
        snippets(*sys.argv[2:])
        return
    with open(sys.argv[1], encoding="utf-8") as f:
        conversations = json.load(f)
    with open(sys.argv[2], encoding="utf-8") as f:
        tools = json.load(f)
    for path in sys.argv[3:]:
        with open(path, encoding="utf-8", newline="") as f:
            source = f.read()
        compiled = functools.cache(lambda: environment().from_string(source))
        for c in conversations:
            ok, text = render(compiled, c, tools)
            line = {"template": os.path.basename(path), "conversation": c["name"], "ok": ok, "text": text}
            print(json.dumps(line))


main()
