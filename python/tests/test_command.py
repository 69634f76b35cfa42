"""The command is the same one, however it is started."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import imgeval
from support import EXAMPLES


class Command(unittest.TestCase):
    def test_both_ways_start_the_command(self):
        started = [[imgeval.find_program()], [sys.executable, "-m", "imgeval"]]
        versions = [subprocess.check_output([*start, "--version"], text=True) for start in started]
        self.assertEqual(versions[0], versions[1])
        self.assertTrue(versions[0].startswith("imgeval "), versions[0])

    def test_exit_codes_are_the_commands_own(self):
        for arguments, code in [(["--version"], 0), (["no-such-command"], 2), (["score", "/no/run"], 2), (["runs", "/no/runs"], 5)]:
            done = subprocess.run([imgeval.find_program(), *arguments], capture_output=True)
            self.assertEqual(done.returncode, code, (arguments, done.stderr))
            self.assertNotIn(b"Traceback", done.stderr)

    def test_steps_of_a_study_are_processes_of_the_same_command(self):
        with tempfile.TemporaryDirectory() as folder:
            images = [EXAMPLES / name / "samples" for name in ("00003", "00019")]
            models = "".join(f"[[models]]\nname = {json.dumps(path.parent.name)}\nmore_images = [{json.dumps(str(path))}]\n" for path in images)
            study = Path(folder) / "study.toml"
            study.write_text(f"title = \"Two\"\nfolder = \"out\"\n{models}[diagnose.artefacts]\n", encoding="utf-8")
            for start in ([imgeval.find_program()], [sys.executable, "-m", "imgeval"]):
                done = subprocess.run([*start, "study", study, "--json"], capture_output=True, cwd=folder)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual({step["state"] for step in json.loads(done.stdout)["steps"]}, {"done"})

    @unittest.skipIf(os.name == "nt", "signals and pipes of Unix")
    def test_a_closed_pipe_is_no_error(self):
        process = subprocess.Popen(
            [imgeval.find_program(), "prompts", "geneval"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        process.stdout.close()
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        self.assertEqual(process.wait(), 0)

    @unittest.skipIf(os.name == "nt", "signals and pipes of Unix")
    def test_an_interrupt_ends_the_command_as_the_system_does(self):
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [imgeval.find_program(), "serve-reward", "--detector", "preview", "--listen", "127.0.0.1:0"],
                stderr=subprocess.PIPE,
                cwd=folder,
            )
            # It listens.
            self.assertIn(b"press Ctrl-C to stop", process.stderr.readline())
            process.send_signal(signal.SIGINT)
            self.assertNotIn(b"Traceback", process.stderr.read())
            process.stderr.close()
            # The server ends by itself, or by the signal where it does not look after it yet.
            self.assertIn(process.wait(), (0, -signal.SIGINT))


if __name__ == "__main__":
    unittest.main()
