import 'package:flutter/foundation.dart';

import '../data/failure.dart';
import '../services/errors.dart';

/// Something that the person can have done: it runs once at a time, and knows
/// whether it runs and how it failed.
class Command<A> extends ChangeNotifier {
  Command(this._action);

  final Future<Failure?> Function(A argument) _action;
  bool _isRunning = false;
  bool _isDisposed = false;
  Failure? _failure;

  bool get isRunning => _isRunning;

  /// How it ended last; null: well, or not at all yet.
  Failure? get failure => _failure;

  /// Nothing while it is running.
  Future<void> call(A argument) async {
    if (_isRunning) return;
    _isRunning = true;
    _failure = null;
    notifyListeners();
    try {
      _failure = await _action(argument);
    } on Exception catch (e) {
      _failure = describeError(e);
    } finally {
      _isRunning = false;
      if (!_isDisposed) notifyListeners();
    }
  }

  /// The person has seen [failure].
  void forgetFailure() {
    _failure = null;
    notifyListeners();
  }

  @override
  void dispose() {
    _isDisposed = true;
    super.dispose();
  }
}
