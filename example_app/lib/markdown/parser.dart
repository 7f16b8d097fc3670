import 'blocks.dart';
import 'inline.dart';

/// The blocks of a Markdown text, as language models write it: the part of
/// CommonMark and GitHub's tables that is of use in a chat. Every text is valid;
/// what has no end yet, as it is still being written, ends where the text does.
List<MarkdownBlock> parseMarkdown(String source) => _Parser(
  source.replaceAll('\r\n', '\n').replaceAll('\t', '    ').split('\n'),
).parse();

class _Parser {
  _Parser(this.lines, [this.depth = 0]);

  /// Deeper nesting is text.
  static const _maxDepth = 8;
  static final _fence = RegExp(r'^( {0,3})(```+|~~~+)\s*([^\s`]*)[^`]*$');
  static final _heading = RegExp(r'^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$');
  static final _rule = RegExp(
    r'^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$',
  );
  static final _item = RegExp(r'^( {0,12})([-*+•]|\d{1,9}[.)])(\s+|$)');
  static final _tableRule = RegExp(
    r'^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$',
  );

  final List<String> lines;
  final int depth;
  final out = <MarkdownBlock>[];
  final _paragraph = <String>[];
  int at = 0;

  List<MarkdownBlock> parse() {
    while (at < lines.length) {
      final line = lines[at];
      if (line.trim().isEmpty) {
        _flush();
        at++;
      } else if (_fence.firstMatch(line) case final match?) {
        _code(match);
      } else if (_heading.firstMatch(line) case final match?) {
        _flush();
        out.add(MarkdownHeading(match[1]!.length, parseInline(match[2]!)));
        at++;
      } else if (_rule.hasMatch(line)) {
        _flush();
        out.add(const MarkdownRule());
        at++;
      } else if (depth < _maxDepth && line.trimLeft().startsWith('>')) {
        _quote();
      } else if (_startsTable()) {
        _table();
      } else if (depth < _maxDepth && _startsList(line)) {
        _list();
      } else {
        _paragraph.add(line.trim());
        at++;
      }
    }
    _flush();
    return out;
  }

  void _flush() {
    if (_paragraph.isEmpty) return;
    final text = StringBuffer();
    for (final line in _paragraph) {
      // Models mean their line ends.
      if (text.isNotEmpty) text.write('\n');
      text.write(line);
    }
    out.add(MarkdownParagraph(parseInline('$text'.trimRight())));
    _paragraph.clear();
  }

  void _code(RegExpMatch open) {
    _flush();
    final indent = open[1]!.length;
    final mark = open[2]!;
    final text = <String>[];
    for (at++; at < lines.length; at++) {
      final line = lines[at];
      final end = line.trim();
      if (end.length >= mark.length && end == mark[0] * end.length) {
        at++;
        break;
      }
      final spaces = line.length - line.trimLeft().length;
      text.add(line.substring(spaces < indent ? spaces : indent));
    }
    out.add(MarkdownCode(open[3]!, text.join('\n')));
  }

  void _quote() {
    _flush();
    final inner = <String>[];
    for (; at < lines.length && lines[at].trimLeft().startsWith('>'); at++) {
      final text = lines[at].trimLeft().substring(1);
      inner.add(text.startsWith(' ') ? text.substring(1) : text);
    }
    out.add(MarkdownQuote(_Parser(inner, depth + 1).parse()));
  }

  bool _startsList(String line) {
    final match = _item.firstMatch(line);
    if (match == null) return false;
    // "1986. A year" in the middle of a paragraph begins no list.
    return _paragraph.isEmpty ||
        !_isNumber(match[2]!) ||
        RegExp(r'^1[.)]$').hasMatch(match[2]!);
  }

  static bool _isNumber(String mark) => mark.length > 1;

  void _list() {
    _flush();
    final first = _item.firstMatch(lines[at])!;
    final indent = first[1]!.length;
    final ordered = _isNumber(first[2]!);
    final items = <List<MarkdownBlock>>[];
    while (at < lines.length) {
      final match = _item.firstMatch(lines[at]);
      if (match == null ||
          _isNumber(match[2]!) != ordered ||
          (match[1]!.length - indent).abs() > 1 ||
          _rule.hasMatch(lines[at])) {
        break;
      }
      items.add(_oneItem(match));
      // Blank lines between items.
      var next = at;
      while (next < lines.length && lines[next].trim().isEmpty) {
        next++;
      }
      if (next > at && next < lines.length && _item.hasMatch(lines[next]))
        at = next;
    }
    final number = ordered
        ? int.parse(first[2]!.substring(0, first[2]!.length - 1))
        : null;
    out.add(MarkdownList(items, start: number));
  }

  List<MarkdownBlock> _oneItem(RegExpMatch match) {
    final marker = match[1]!.length + match[2]!.length;
    final inner = [lines[at].substring(match.end)];
    for (at++; at < lines.length; at++) {
      final line = lines[at];
      final spaces = line.length - line.trimLeft().length;
      if (line.trim().isEmpty) {
        // It goes on after a blank line only where it is indented.
        final next = at + 1 < lines.length ? lines[at + 1] : '';
        final nextSpaces = next.length - next.trimLeft().length;
        if (next.trim().isEmpty ||
            nextSpaces < 2 ||
            nextSpaces < match[1]!.length + 2) {
          break;
        }
        inner.add('');
      } else if (spaces >= match[1]!.length + 2) {
        final cut = spaces < marker + 1 ? spaces : marker + 1;
        inner.add(line.substring(cut));
      } else if (_item.hasMatch(line) ||
          _fence.hasMatch(line) ||
          _heading.hasMatch(line) ||
          _rule.hasMatch(line)) {
        break;
      } else {
        inner.add(line.trimLeft());
      }
    }
    return _Parser(inner, depth + 1).parse();
  }

  bool _startsTable() =>
      lines[at].contains('|') &&
      at + 1 < lines.length &&
      lines[at + 1].contains('-') &&
      lines[at + 1].contains('|') &&
      _tableRule.hasMatch(lines[at + 1]);

  void _table() {
    _flush();
    final header = _cells(lines[at]);
    final rows = <List<List<MarkdownSpan>>>[];
    for (at += 2; at < lines.length && lines[at].contains('|'); at++) {
      final cells = _cells(lines[at]);
      rows.add([
        for (var i = 0; i < header.length; i++)
          i < cells.length ? cells[i] : const [],
      ]);
    }
    out.add(MarkdownTable(header, rows));
  }

  static List<List<MarkdownSpan>> _cells(String line) {
    var row = line.trim();
    if (row.startsWith('|')) row = row.substring(1);
    if (row.endsWith('|') && !row.endsWith(r'\|')) {
      row = row.substring(0, row.length - 1);
    }
    return [
      for (final cell in row.split(RegExp(r'(?<!\\)\|')))
        parseInline(cell.trim()),
    ];
  }
}
