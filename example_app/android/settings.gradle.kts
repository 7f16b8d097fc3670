pluginManagement {
    val flutterSdk = java.util.Properties().run {
        file("local.properties").inputStream().use { load(it) }
        requireNotNull(getProperty("flutter.sdk")) { "flutter.sdk is not set in local.properties" }
    }
    includeBuild("$flutterSdk/packages/flutter_tools/gradle")
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

plugins {
    id("dev.flutter.flutter-plugin-loader") version "1.0.0"
    id("com.android.application") version "9.1.0" apply false
    id("org.jetbrains.kotlin.android") version "2.4.0" apply false
}

include(":app")
