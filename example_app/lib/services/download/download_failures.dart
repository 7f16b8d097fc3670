import '../../data/failure.dart';

/// What can go wrong with a download, in words for people.
abstract final class DownloadFailures {
  static const offline = Failure(
    'No connection to the internet.',
    'What has arrived is kept. Go on when you are online again.',
  );

  static const dropped = Failure(
    'The connection breaks again and again.',
    'What has arrived is kept. Try again later.',
  );

  static const notFound = Failure(
    'The file is not on the server any more.',
    'Choose another model.',
  );

  static const forbidden = Failure(
    'The server does not give this file to everyone.',
    'Choose another model, or download it in a browser and add the file.',
  );

  static const damaged = Failure(
    'The file arrived damaged and was thrown away.',
    'Try again.',
  );

  static const changing = Failure(
    'The server does not send what it announces.',
    'Try again later, or choose another model.',
  );

  static const notAModel = Failure(
    'What the server sent is not a model.',
    'Perhaps this network wants you to sign in first. Try again.',
  );

  static Failure server(int status) => Failure(
    'The server has a problem.',
    'What has arrived is kept. Try again later.',
    details: 'HTTP status $status',
  );

  static Failure diskFull(int missing) => Failure(
    'There is not enough space on this device.',
    missing > 0
        ? 'Free ${(missing / 1e6).ceil()} MB, then go on: what has arrived is kept.'
        : 'Free some, then go on: what has arrived is kept.',
  );

  static Failure disk(String details) => Failure(
    'The file cannot be written.',
    'Is the storage read-only or full?',
    details: details,
  );
}

/// The end of a download that did not work out.
class DownloadException implements Exception {
  const DownloadException(this.failure);

  final Failure failure;

  @override
  String toString() => 'DownloadException: $failure';
}
