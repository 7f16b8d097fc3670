import 'dart:async';

import 'package:flutter/gestures.dart';
import 'package:flutter/material.dart';
import 'package:flutter/services.dart';

import '../markdown/blocks.dart';
import '../markdown/parser.dart';
import 'theme.dart';

/// A Markdown text. What has not changed since it was last built is not parsed
/// again.
class MarkdownView extends StatefulWidget {
  const MarkdownView(this.source, {this.onLink, super.key});

  final String source;

  /// Told the address of a link that was tapped.
  final void Function(String url)? onLink;

  @override
  State<MarkdownView> createState() => _MarkdownViewState();
}

class _MarkdownViewState extends State<MarkdownView> {
  late List<MarkdownBlock> _blocks = parseMarkdown(widget.source);

  @override
  void didUpdateWidget(MarkdownView old) {
    super.didUpdateWidget(old);
    if (old.source != widget.source) _blocks = parseMarkdown(widget.source);
  }

  @override
  Widget build(BuildContext context) => _Blocks(_blocks, widget.onLink);
}

class _Blocks extends StatelessWidget {
  const _Blocks(this.blocks, this.onLink, {this.gap = 12});

  final List<MarkdownBlock> blocks;
  final void Function(String url)? onLink;
  final double gap;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final body = theme.textTheme.bodyLarge!.copyWith(height: 1.5);
    return Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      children: [
        for (final (i, block) in blocks.indexed)
          Padding(
            padding: EdgeInsets.only(
              top: i == 0
                  ? 0
                  : block is MarkdownHeading
                  ? gap + 4
                  : gap,
            ),
            child: switch (block) {
              MarkdownParagraph(:final spans) => _Spans(spans, body, onLink),
              MarkdownHeading(:final level, :final spans) => Semantics(
                header: true,
                child: _Spans(
                  spans,
                  _headingStyle(theme.textTheme, level),
                  onLink,
                ),
              ),
              MarkdownCode() => CodeBlock(block),
              MarkdownList() => _ListBlock(block, onLink),
              MarkdownQuote(:final blocks) => DecoratedBox(
                decoration: BoxDecoration(
                  border: BorderDirectional(
                    start: BorderSide(
                      color: theme.colorScheme.outlineVariant,
                      width: 3,
                    ),
                  ),
                ),
                child: Padding(
                  padding: const EdgeInsetsDirectional.only(start: 14),
                  child: _Blocks(blocks, onLink),
                ),
              ),
              MarkdownTable() => _TableBlock(block, onLink),
              MarkdownRule() => const Divider(height: 8),
            },
          ),
      ],
    );
  }

  static TextStyle _headingStyle(TextTheme text, int level) => switch (level) {
    1 => text.titleLarge!.copyWith(fontWeight: FontWeight.w600),
    2 => text.titleLarge!.copyWith(fontSize: 20, fontWeight: FontWeight.w600),
    3 => text.titleMedium!.copyWith(fontSize: 18, fontWeight: FontWeight.w600),
    _ => text.titleMedium!.copyWith(fontWeight: FontWeight.w600),
  };
}

/// Spans, and the recognizers of their links.
class _Spans extends StatefulWidget {
  const _Spans(this.spans, this.style, this.onLink);

  final List<MarkdownSpan> spans;
  final TextStyle style;
  final void Function(String url)? onLink;

  @override
  State<_Spans> createState() => _SpansState();
}

class _SpansState extends State<_Spans> {
  final _links = <String, TapGestureRecognizer>{};

  TapGestureRecognizer? _link(String? url) =>
      url == null || widget.onLink == null
      ? null
      : _links.putIfAbsent(
          url,
          () => TapGestureRecognizer()..onTap = () => widget.onLink?.call(url),
        );

  @override
  void dispose() {
    for (final link in _links.values) {
      link.dispose();
    }
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    final scheme = Theme.of(context).colorScheme;
    return Text.rich(
      TextSpan(
        style: widget.style,
        children: [
          for (final span in widget.spans)
            TextSpan(
              text: span.text,
              recognizer: _link(span.url),
              style: _styleOf(span, scheme),
            ),
        ],
      ),
    );
  }

  TextStyle? _styleOf(MarkdownSpan span, ColorScheme scheme) {
    final base = span.code
        ? codeStyle(
            widget.style,
          ).copyWith(backgroundColor: scheme.surfaceContainerHighest)
        : const TextStyle();
    return base.copyWith(
      fontWeight: span.bold ? FontWeight.w700 : null,
      fontStyle: span.italic ? FontStyle.italic : null,
      color: span.url != null ? scheme.primary : null,
      decoration: switch (span) {
        MarkdownSpan(strike: true) => TextDecoration.lineThrough,
        MarkdownSpan(url: _?) => TextDecoration.underline,
        _ => null,
      },
      decorationColor: span.url != null ? scheme.primary : null,
    );
  }
}

/// Code, with its language and a button that copies it.
class CodeBlock extends StatefulWidget {
  const CodeBlock(this.block, {super.key});

  final MarkdownCode block;

  @override
  State<CodeBlock> createState() => _CodeBlockState();
}

class _CodeBlockState extends State<CodeBlock> {
  Timer? _copied;

  @override
  void dispose() {
    _copied?.cancel();
    super.dispose();
  }

  Future<void> _copy() async {
    await Clipboard.setData(ClipboardData(text: widget.block.text));
    if (!mounted) return;
    setState(() {
      _copied?.cancel();
      _copied = Timer(const Duration(seconds: 2), () {
        if (mounted) setState(() => _copied = null);
      });
    });
  }

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final scheme = theme.colorScheme;
    return Directionality(
      // Code is read from the left in every language.
      textDirection: TextDirection.ltr,
      child: Material(
        color: scheme.surfaceContainer,
        borderRadius: BorderRadius.circular(12),
        clipBehavior: Clip.antiAlias,
        child: Column(
          crossAxisAlignment: CrossAxisAlignment.stretch,
          children: [
            Padding(
              padding: const EdgeInsets.only(left: 16, right: 4),
              child: Row(
                children: [
                  Expanded(
                    child: Text(
                      widget.block.language.isEmpty
                          ? 'code'
                          : widget.block.language,
                      maxLines: 1,
                      overflow: TextOverflow.ellipsis,
                      style: theme.textTheme.labelMedium?.copyWith(
                        color: scheme.onSurfaceVariant,
                      ),
                    ),
                  ),
                  IconButton(
                    onPressed: _copy,
                    iconSize: 18,
                    tooltip: _copied == null ? 'Copy code' : 'Copied',
                    color: scheme.onSurfaceVariant,
                    icon: Icon(_copied == null ? Icons.copy : Icons.check),
                  ),
                ],
              ),
            ),
            SingleChildScrollView(
              scrollDirection: Axis.horizontal,
              padding: const EdgeInsets.fromLTRB(16, 0, 16, 14),
              child: Text(
                widget.block.text,
                style: codeStyle(theme.textTheme.bodyLarge!),
              ),
            ),
          ],
        ),
      ),
    );
  }
}

class _ListBlock extends StatelessWidget {
  const _ListBlock(this.list, this.onLink);

  final MarkdownList list;
  final void Function(String url)? onLink;

  @override
  Widget build(BuildContext context) {
    final style = Theme.of(context).textTheme.bodyLarge!.copyWith(height: 1.5);
    final start = list.start;
    return Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      children: [
        for (final (i, item) in list.items.indexed)
          Padding(
            padding: EdgeInsets.only(top: i == 0 ? 0 : 4),
            child: Row(
              crossAxisAlignment: CrossAxisAlignment.start,
              children: [
                ConstrainedBox(
                  constraints: const BoxConstraints(minWidth: 24),
                  child: Padding(
                    padding: const EdgeInsetsDirectional.only(start: 4, end: 8),
                    child: Text(
                      start == null ? '•' : '${start + i}.',
                      style: style,
                    ),
                  ),
                ),
                Expanded(child: _Blocks(item, onLink, gap: 6)),
              ],
            ),
          ),
      ],
    );
  }
}

class _TableBlock extends StatelessWidget {
  const _TableBlock(this.table, this.onLink);

  final MarkdownTable table;
  final void Function(String url)? onLink;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final style = theme.textTheme.bodyMedium!;
    Widget cell(List<MarkdownSpan> spans, TextStyle style) => Padding(
      padding: const EdgeInsets.symmetric(horizontal: 12, vertical: 8),
      child: ConstrainedBox(
        constraints: const BoxConstraints(maxWidth: 260),
        child: _Spans(spans, style, onLink),
      ),
    );
    return SingleChildScrollView(
      scrollDirection: Axis.horizontal,
      child: Table(
        defaultColumnWidth: const IntrinsicColumnWidth(),
        border: TableBorder.all(
          color: theme.colorScheme.outlineVariant,
          borderRadius: BorderRadius.circular(8),
        ),
        children: [
          TableRow(
            children: [
              for (final spans in table.header)
                cell(spans, style.copyWith(fontWeight: FontWeight.w600)),
            ],
          ),
          for (final row in table.rows)
            TableRow(children: [for (final spans in row) cell(spans, style)]),
        ],
      ),
    );
  }
}
