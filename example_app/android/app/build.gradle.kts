import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    id("com.android.application")
    // After Android's.
    id("dev.flutter.flutter-gradle-plugin")
}

android {
    namespace = "org.happyphonellm.example_app"
    compileSdk = flutter.compileSdkVersion
    ndkVersion = flutter.ndkVersion

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    defaultConfig {
        applicationId = "org.happyphonellm.example_app"
        // What Flutter 3.47 supports: Android 7. The library itself needs 5.
        minSdk = maxOf(24, flutter.minSdkVersion)
        targetSdk = flutter.targetSdkVersion
        versionCode = flutter.versionCode
        versionName = flutter.versionName
        // What libhappyphonellm.so is built for: phones, and emulators on PCs.
        ndk {
            abiFilters += listOf("arm64-v8a", "x86_64")
        }
    }

    packaging {
        jniLibs {
            // Libraries stay in the APK, uncompressed and aligned to 16 KB pages,
            // and are mapped from there (android:extractNativeLibs="false").
            useLegacyPackaging = false
        }
    }

    buildTypes {
        release {
            // So that `flutter run --release` works. To publish, sign with a key
            // of your own.
            signingConfig = signingConfigs.getByName("debug")
        }
    }
}

kotlin {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_17
    }
}

flutter {
    source = "../.."
}
