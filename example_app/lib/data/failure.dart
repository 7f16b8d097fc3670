/// Something that went wrong, in words for people.
class Failure {
  const Failure(this.title, this.advice, {this.details = ''});

  /// What happened, in one sentence.
  final String title;

  /// What to do about it.
  final String advice;

  /// For developers; may be empty.
  final String details;

  @override
  String toString() => '$title $advice';
}
