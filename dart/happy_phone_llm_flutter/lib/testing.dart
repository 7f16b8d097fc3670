/// A scripted engine, so that apps can be tested without a model and without the
/// native library.
library;

export 'src/fake.dart';
