import Flutter

class SceneDelegate: FlutterSceneDelegate {}
