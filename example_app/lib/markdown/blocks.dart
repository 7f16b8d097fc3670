/// A piece of text that looks the same all through.
class MarkdownSpan {
  const MarkdownSpan(
    this.text, {
    this.bold = false,
    this.italic = false,
    this.strike = false,
    this.code = false,
    this.url,
  });

  final String text;
  final bool bold;
  final bool italic;
  final bool strike;
  final bool code;

  /// Of a link.
  final String? url;

  @override
  bool operator ==(Object other) =>
      other is MarkdownSpan &&
      text == other.text &&
      bold == other.bold &&
      italic == other.italic &&
      strike == other.strike &&
      code == other.code &&
      url == other.url;

  @override
  int get hashCode => Object.hash(text, bold, italic, strike, code, url);

  @override
  String toString() => [
    if (bold) 'b',
    if (italic) 'i',
    if (strike) 's',
    if (code) 'c',
    if (url != null) '<$url>',
    '"$text"',
  ].join();
}

/// A block of a Markdown text.
sealed class MarkdownBlock {
  const MarkdownBlock();
}

class MarkdownHeading extends MarkdownBlock {
  const MarkdownHeading(this.level, this.spans);

  /// 1 to 6.
  final int level;
  final List<MarkdownSpan> spans;
}

class MarkdownParagraph extends MarkdownBlock {
  const MarkdownParagraph(this.spans);

  final List<MarkdownSpan> spans;
}

class MarkdownCode extends MarkdownBlock {
  const MarkdownCode(this.language, this.text);

  /// Empty: not told.
  final String language;
  final String text;
}

class MarkdownList extends MarkdownBlock {
  const MarkdownList(this.items, {this.start});

  final List<List<MarkdownBlock>> items;

  /// The first number; null: bullets.
  final int? start;
}

class MarkdownQuote extends MarkdownBlock {
  const MarkdownQuote(this.blocks);

  final List<MarkdownBlock> blocks;
}

class MarkdownTable extends MarkdownBlock {
  const MarkdownTable(this.header, this.rows);

  final List<List<MarkdownSpan>> header;

  /// Each as long as [header].
  final List<List<List<MarkdownSpan>>> rows;
}

class MarkdownRule extends MarkdownBlock {
  const MarkdownRule();
}
