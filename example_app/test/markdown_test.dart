import 'package:example_app/markdown/blocks.dart';
import 'package:example_app/markdown/inline.dart';
import 'package:example_app/markdown/parser.dart';
import 'package:flutter_test/flutter_test.dart';

/// A block as text, to be compared.
String show(MarkdownBlock block) => switch (block) {
  MarkdownHeading(:final level, :final spans) => 'h$level${spans.join()}',
  MarkdownParagraph(:final spans) => 'p${spans.join()}',
  MarkdownCode(:final language, :final text) => 'code($language)[$text]',
  MarkdownList(:final items, :final start) =>
    '${start == null ? 'ul' : 'ol$start'}${items.map(showAll).toList()}',
  MarkdownQuote(:final blocks) => 'quote${showAll(blocks)}',
  MarkdownTable(:final header, :final rows) =>
    'table${header.map((c) => c.join()).toList()}'
        '${rows.map((r) => r.map((c) => c.join()).toList()).toList()}',
  MarkdownRule() => 'rule',
};

String showAll(List<MarkdownBlock> blocks) => blocks.map(show).join(' ');

void main() {
  group('spans', () {
    for (final (source, want) in [
      ('plain', '"plain"'),
      ('a **b** c', '"a "b"b"" c"'),
      ('*i* and _j_', 'i"i"" and "i"j"'),
      ('***both***', 'bi"both"'),
      ('**a *b* c**', 'b"a "bi"b"b" c"'),
      ('~~gone~~', 's"gone"'),
      ('`a*b*`', 'c"a*b*"'),
      ('`` a`b ``', 'c"a`b"'),
      ('snake_case_name', '"snake_case_name"'),
      ('2 * 3 * 4', '"2 * 3 * 4"'),
      (r'\*not\*', '"*not*"'),
      ('[a **b**](https://x.y "t")', '<https://x.y>"a "b<https://x.y>"b"'),
      ('see https://x.y/z.', '"see "<https://x.y/z>"https://x.y/z""."'),
      ('[no link]', '"[no link]"'),
      ('**not yet', '"**not yet"'),
      ('`not yet', '"`not yet"'),
      ('[not](yet', '"[not](yet"'),
      ('', ''),
    ]) {
      test('of $source', () => expect(parseInline(source).join(), want));
    }
  });

  group('blocks', () {
    for (final (source, want) in [
      ('one\ntwo\n\nthree', 'p"one\ntwo" p"three"'),
      ('# A\n### B ##', 'h1"A" h3"B"'),
      ('#hash', 'p"#hash"'),
      (
        '```dart\nvoid main() {\n  x;\n```\nafter',
        'code(dart)[void main() {\n  x;] p"after"',
      ),
      ('```\nnever ends', 'code()[never ends]'),
      ('````\n```\n````', 'code()[```]'),
      ('- a\n- b\n* c', 'ul[p"a", p"b", p"c"]'),
      ('1. a\n2. b', 'ol1[p"a", p"b"]'),
      ('3) a\n\n4) b', 'ol3[p"a", p"b"]'),
      ('- a\n  - b\n    - c\n- d', 'ul[p"a" ul[p"b" ul[p"c"]], p"d"]'),
      ('1. a\n   ```\n   x\n   ```\n2. b', 'ol1[p"a" code()[x], p"b"]'),
      ('Text:\n- a', 'p"Text:" ul[p"a"]'),
      ('born in\n1986. Yes', 'p"born in\n1986. Yes"'),
      ('> a\n> - b', 'quotep"a" ul[p"b"]'),
      ('---', 'rule'),
      ('a\n***\nb', 'p"a" rule p"b"'),
      (
        '| a | b |\n|---|:-:|\n| 1 | **2** |\n| 3 |',
        'table["a", "b"][["1", b"2"], ["3", ]]',
      ),
      ('a | b', 'p"a | b"'),
      ('', ''),
    ]) {
      test('of ${source.split('\n').first} …', () {
        expect(showAll(parseMarkdown(source)), want);
      });
    }
  });

  test('every beginning of a text is a text', () {
    const source =
        '# T\n\n- a **b** `c`\n  1. d\n\n```x\ncode\n```\n> q\n\n|a|b|\n|-|-|\n|1|2|\n[l](u)';
    for (var i = 0; i <= source.length; i++) {
      parseMarkdown(source.substring(0, i));
    }
  });

  test('what is written to be slow is not', () {
    final clock = Stopwatch()..start();
    for (final piece in [
      '*',
      '**a',
      '_',
      '`',
      '[',
      '[a](',
      '~~',
      '> ',
      '- ',
      '#',
      '|',
      '```',
      '***x',
    ]) {
      parseMarkdown(piece * (20000 ~/ piece.length));
      parseMarkdown('$piece ' * (20000 ~/ (piece.length + 1)));
      parseMarkdown('$piece\n' * (20000 ~/ (piece.length + 1)));
    }
    expect(clock.elapsed, lessThan(const Duration(seconds: 5)));
  });
}
