import 'package:flutter/foundation.dart';
import 'package:flutter_test/flutter_test.dart';

/// Whether there are fonts; without them pictures show nothing but boxes.
bool hasFonts = false;

/// Takes pictures for equal that differ in few points, as the edges of letters do
/// from one version of the engine to the next.
class NearlyEqualComparator extends LocalFileComparator {
  NearlyEqualComparator(Uri basedir) : super(basedir.resolve('any_test.dart'));

  /// Part of the points that may differ.
  static const _tolerance = 0.005;

  @override
  Future<bool> compare(Uint8List imageBytes, Uri golden) async {
    final result = await GoldenFileComparator.compareLists(
      imageBytes,
      await getGoldenBytes(golden),
    );
    if (result.passed || result.diffPercent <= _tolerance) {
      result.dispose();
      return true;
    }
    final error = await generateFailureOutput(result, golden, basedir);
    result.dispose();
    throw FlutterError(error);
  }
}
