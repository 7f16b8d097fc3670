#!/usr/bin/env python3
"""The folders of example_app that only other machines can build, as far as this
one can tell: every file parses, and what they name is there.
"""

import json
import plistlib
import re
import unittest
import xml.dom.minidom
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "example_app"
# What the flutter tool makes.
GENERATED = {
    "GeneratedPluginRegistrant.h",
    "GeneratedPluginRegistrant.m",
    "Generated.xcconfig",
    "Flutter-Generated.xcconfig",
}


def files(*suffixes):
    for system in ("android", "ios", "macos"):
        yield from (f for f in sorted((APP / system).rglob("*")) if f.suffix in suffixes)


class Tokens:
    """Xcode's project files are property lists of the old kind."""

    PATTERN = re.compile(r'\s*(?://[^\n]*\n|/\*.*?\*/)|\s*("(?:[^"\\]|\\.)*"|[A-Za-z0-9_./$]+|[{}()=;,])', re.S)

    def __init__(self, text):
        self.tokens, place = [], 0
        text = text.rstrip()
        while place < len(text):
            match = self.PATTERN.match(text, place)
            if not match:
                raise ValueError(f"at {text[place:place + 40]!r}")
            place = match.end()
            if match[1]:
                self.tokens.append(match[1])
        self.next = 0

    def take(self, expected=None):
        token = self.tokens[self.next]
        if expected and token != expected:
            raise ValueError(f"{token!r} where {expected!r} should be")
        self.next += 1
        return token

    def value(self):
        token = self.take()
        if token == "{":
            found = {}
            while self.tokens[self.next] != "}":
                key = self.take().strip('"')
                self.take("=")
                if key in found:
                    raise ValueError(f"{key} twice")
                found[key] = self.value()
                self.take(";")
            self.take("}")
            return found
        if token == "(":
            found = []
            while self.tokens[self.next] != ")":
                found.append(self.value())
                self.take(",")
            self.take(")")
            return found
        return token.strip('"')


class Syntax(unittest.TestCase):
    def test_property_lists(self):
        for file in files(".plist", ".entitlements", ".xcsettings"):
            with self.subTest(file=str(file.relative_to(APP))):
                self.assertTrue(plistlib.loads(file.read_bytes()))

    def test_xml(self):
        for file in files(".xml", ".xib", ".storyboard", ".xcscheme", ".xcworkspacedata"):
            with self.subTest(file=str(file.relative_to(APP))):
                xml.dom.minidom.parse(str(file))

    def test_pictures_of_catalogs(self):
        for file in files(".json"):
            for image in json.loads(file.read_text()).get("images", []):
                with self.subTest(file=str(file.relative_to(APP)), image=image):
                    picture = (file.parent / image["filename"]).read_bytes()
                    size = int.from_bytes(picture[16:20], "big")
                    if "size" in image:
                        points = float(image["size"].split("x")[0])
                        self.assertEqual(size, points * int(image.get("scale", "1x")[0]))

    def test_brackets(self):
        for file in files(".kt", ".kts", ".swift"):
            with self.subTest(file=str(file.relative_to(APP))):
                text = re.sub(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', "", file.read_text(), flags=re.S)
                open_ones = []
                for bracket in re.findall(r"[][(){}]", text):
                    if bracket in "([{":
                        open_ones.append(bracket)
                    else:
                        self.assertTrue(open_ones and open_ones.pop() + bracket in ("()", "[]", "{}"))
                self.assertEqual(open_ones, [])


class XcodeProjects(unittest.TestCase):
    def test_what_they_name_is_there(self):
        for system in ("ios", "macos"):
            with self.subTest(system=system):
                project = APP / system / "Runner.xcodeproj/project.pbxproj"
                tokens = Tokens(project.read_text())
                whole = tokens.value()
                self.assertEqual(tokens.next, len(tokens.tokens), "something after the end")
                self.check(APP / system, whole["objects"], whole["rootObject"])

    def check(self, folder, objects, root):
        seen = set()

        def walk(value):
            if isinstance(value, dict):
                for key, inner in value.items():
                    if re.fullmatch("[0-9A-F]{24}", key):
                        walk(key)
                    walk(inner)
            elif isinstance(value, list):
                for inner in value:
                    walk(inner)
            elif re.fullmatch("[0-9A-F]{24}", value) and value not in seen:
                self.assertIn(value, objects)
                seen.add(value)
                walk(objects[value])

        walk(root)
        self.assertEqual(set(objects) - seen, set(), "objects that nothing names")
        self.paths(objects, objects[root]["mainGroup"], folder)

    def paths(self, objects, group, folder):
        for child in objects[group]["children"]:
            found = objects[child]
            path = folder / found["path"] if "path" in found else folder
            if "children" in found:
                self.paths(objects, child, path)
            elif found["sourceTree"] == "<group>" and path.name not in GENERATED:
                self.assertTrue(path.exists(), path)

    def test_schemes_name_targets(self):
        for system in ("ios", "macos"):
            objects = Tokens((APP / system / "Runner.xcodeproj/project.pbxproj").read_text()).value()["objects"]
            scheme = APP / system / "Runner.xcodeproj/xcshareddata/xcschemes/Runner.xcscheme"
            for reference in xml.dom.minidom.parse(str(scheme)).getElementsByTagName("BuildableReference"):
                target = objects[reference.getAttribute("BlueprintIdentifier")]
                self.assertEqual(target["name"], reference.getAttribute("BlueprintName"))
                product = objects[target["productReference"]]
                self.assertEqual(product["path"], reference.getAttribute("BuildableName"))


class Promises(unittest.TestCase):
    """What large models need of a system."""

    def test_android(self):
        manifest = xml.dom.minidom.parse(str(APP / "android/app/src/main/AndroidManifest.xml"))
        application = manifest.getElementsByTagName("application")[0]
        self.assertEqual(application.getAttribute("android:extractNativeLibs"), "false")
        gradle = (APP / "android/app/build.gradle.kts").read_text()
        self.assertIn("useLegacyPackaging = false", gradle)
        self.assertIn("maxOf(24, flutter.minSdkVersion)", gradle)
        folder = APP / "android/app/src/main/kotlin"
        package = re.search(r'namespace = "(.*)"', gradle)[1]
        for source in folder.rglob("*.kt"):
            self.assertIn(f"package {package}\n", source.read_text())
            self.assertEqual(source.parent, folder / package.replace(".", "/"))

    def test_android_resources(self):
        resources = APP / "android/app/src/main/res"
        named = set()
        for file in [APP / "android/app/src/main/AndroidManifest.xml", *resources.rglob("*.xml")]:
            named |= set(re.findall(r"@(color|drawable|mipmap|style)/(\w+)", file.read_text()))
        for kind, name in sorted(named):
            values = "".join(f.read_text() for f in resources.glob("values/*.xml"))
            there = list(resources.glob(f"{kind}*/{name}.*")) or re.search(f'<{kind} name="{name}"', values)
            self.assertTrue(there, f"@{kind}/{name}")

    def test_ios(self):
        rights = plistlib.loads((APP / "ios/Runner/Runner.entitlements").read_bytes())
        for right in ("increased-memory-limit", "extended-virtual-addressing"):
            self.assertIs(rights[f"com.apple.developer.kernel.{right}"], True)
        project = (APP / "ios/Runner.xcodeproj/project.pbxproj").read_text()
        self.assertEqual(project.count("CODE_SIGN_ENTITLEMENTS = Runner/Runner.entitlements;"), 3)

    def test_macos(self):
        for name in ("Release", "DebugProfile"):
            rights = plistlib.loads((APP / f"macos/Runner/{name}.entitlements").read_bytes())
            for right in ("app-sandbox", "network.client", "files.user-selected.read-only"):
                self.assertIs(rights[f"com.apple.security.{right}"], True)


if __name__ == "__main__":
    unittest.main()
