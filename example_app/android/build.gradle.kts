allprojects {
    repositories {
        google()
        mavenCentral()
    }
}

// All that is built goes where the flutter tool looks for it: build/ of the app.
val flutterBuild: Directory = rootProject.layout.buildDirectory.dir("../../build").get()
rootProject.layout.buildDirectory.value(flutterBuild)

subprojects {
    project.layout.buildDirectory.value(flutterBuild.dir(project.name))
    project.evaluationDependsOn(":app")
}

tasks.register<Delete>("clean") {
    delete(rootProject.layout.buildDirectory)
}
