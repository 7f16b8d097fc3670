import 'blocks.dart';

/// The spans of a paragraph's Markdown: emphasis, code, links, escapes. What has
/// no end (yet) is text as it stands.
List<MarkdownSpan> parseInline(String source) {
  final out = <MarkdownSpan>[];
  _Inline(source, out).parse(0, source.length, const _Style(), 0);
  return out;
}

class _Style {
  const _Style({
    this.bold = false,
    this.italic = false,
    this.strike = false,
    this.url,
  });

  final bool bold;
  final bool italic;
  final bool strike;
  final String? url;

  _Style with_({
    bool bold = false,
    bool italic = false,
    bool strike = false,
    String? url,
  }) => _Style(
    bold: bold || this.bold,
    italic: italic || this.italic,
    strike: strike || this.strike,
    url: url ?? this.url,
  );
}

class _Inline {
  _Inline(this.source, this.out);

  /// Deeper nesting is text.
  static const _maxDepth = 8;
  static const _punctuation = r'\`*_{}[]()#+-.!~|<>"';
  static final _address = RegExp(
    r'https?://[^\s<>()\[\]"]+[^\s<>()\[\]".,;:!?]',
  );
  static final _wordEnd = RegExp(r'[\p{L}\p{N}]', unicode: true);

  final String source;
  final List<MarkdownSpan> out;

  /// Marks that have no end from some place on; so a text of many openings takes
  /// linear time.
  final _endless = <String, int>{};

  void parse(int from, int to, _Style style, int depth) {
    final text = StringBuffer();
    void flush() {
      if (text.isEmpty) return;
      out.add(
        MarkdownSpan(
          '$text',
          bold: style.bold,
          italic: style.italic,
          strike: style.strike,
          url: style.url,
        ),
      );
      text.clear();
    }

    var at = from;
    while (at < to) {
      final char = source[at];
      if (char == r'\' &&
          at + 1 < to &&
          _punctuation.contains(source[at + 1])) {
        text.write(source[at + 1]);
        at += 2;
        continue;
      }
      final int? next;
      switch (char) {
        case '`':
          next = _code(at, to, style, flush);
        case '*' || '_' || '~' when depth < _maxDepth:
          next = _emphasis(at, to, style, depth, flush);
        case '[' when depth < _maxDepth:
          next = _link(at, to, style, depth, flush);
        case 'h' when style.url == null:
          next = _bareAddress(at, to, style, flush);
        default:
          next = null;
      }
      if (next != null) {
        at = next;
        continue;
      }
      // A run of marks that means nothing here is one piece of text.
      final end = '`*_~'.contains(char) ? at + _run(at, to) : at + 1;
      text.write(source.substring(at, end));
      at = end;
    }
    flush();
  }

  int _run(int at, int to) {
    var end = at;
    while (end < to && source[end] == source[at]) {
      end++;
    }
    return end - at;
  }

  int? _code(int at, int to, _Style style, void Function() flush) {
    final length = _run(at, to);
    final mark = '`' * length;
    if ((_endless[mark] ?? to) <= at) return null;
    var end = at + length;
    while (true) {
      end = source.indexOf('`', end);
      if (end < 0 || end >= to) {
        _endless[mark] = at;
        return null;
      }
      final run = _run(end, to);
      if (run == length) break;
      end += run;
    }
    flush();
    var text = source.substring(at + length, end);
    if (text.length > 2 && text.startsWith(' ') && text.endsWith(' ')) {
      text = text.substring(1, text.length - 1);
    }
    out.add(MarkdownSpan(text, code: true, bold: style.bold, url: style.url));
    return end + length;
  }

  int? _emphasis(
    int at,
    int to,
    _Style style,
    int depth,
    void Function() flush,
  ) {
    final char = source[at];
    final run = _run(at, to);
    final length = run > 3 ? 3 : run;
    if (char == '~' && run != 2) return null;
    if (run > 3 || at + run >= to || _isSpace(source[at + run])) return null;
    if (char == '_' && at > 0 && _wordEnd.hasMatch(source[at - 1])) return null;
    final mark = char * length;
    if ((_endless[mark] ?? to) <= at) return null;
    final end = _closing(at + length, to, char, length);
    if (end == null) {
      _endless[mark] = at;
      return null;
    }
    flush();
    parse(
      at + length,
      end,
      style.with_(
        bold: char != '~' && length >= 2,
        italic: char != '~' && length != 2,
        strike: char == '~',
      ),
      depth + 1,
    );
    return end + length;
  }

  int? _closing(int from, int to, String char, int length) {
    var at = from;
    while (at < to) {
      final here = source[at];
      if (here == r'\') {
        at += 2;
      } else if (here == '`') {
        final run = _run(at, to);
        final end = source.indexOf('`' * run, at + run);
        at = end < 0 || end >= to ? at + run : end + run;
      } else if (here == char) {
        final run = _run(at, to);
        final isEnd =
            at > from &&
            !_isSpace(source[at - 1]) &&
            (char != '_' ||
                at + run >= to ||
                !_wordEnd.hasMatch(source[at + run]));
        // `**a *b***`: the inner one ends first.
        if (isEnd && run == length) return at;
        if (isEnd && run > length && length < 3) return at + run - length;
        at += run;
      } else {
        at++;
      }
    }
    return null;
  }

  int? _link(int at, int to, _Style style, int depth, void Function() flush) {
    if ((_endless['['] ?? to) <= at) return null;
    var level = 0;
    var end = at;
    for (; end < to; end++) {
      if (source[end] == '[') level++;
      if (source[end] == ']' && --level == 0) break;
    }
    if (end >= to) {
      _endless['['] = at;
      return null;
    }
    if (end + 1 >= to || source[end + 1] != '(') return null;
    final close = source.indexOf(')', end + 2);
    if (close < 0 || close >= to) return null;
    final target = source
        .substring(end + 2, close)
        .trim()
        .split(RegExp(r'\s'))
        .first;
    if (target.isEmpty) return null;
    flush();
    parse(at + 1, end, style.with_(url: target), depth + 1);
    return close + 1;
  }

  int? _bareAddress(int at, int to, _Style style, void Function() flush) {
    final match = _address.matchAsPrefix(source, at);
    if (match == null || match.end > to) return null;
    flush();
    final url = match[0]!;
    out.add(
      MarkdownSpan(url, bold: style.bold, italic: style.italic, url: url),
    );
    return match.end;
  }

  static bool _isSpace(String char) => char.trim().isEmpty;
}
