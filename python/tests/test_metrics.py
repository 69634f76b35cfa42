"""Measures are those of the command."""

import json
import os
import subprocess
import tempfile
import unittest

import imgeval
from support import command, examples, needs


class Measures(unittest.TestCase):
    def setUp(self):
        self.before, self.after = [path for path, _ in examples()][:2]

    def test_edits_are_measured_as_the_command_measures_them(self):
        printed = json.loads(
            command("metrics", "edit", "--source", self.before, "--edited", self.after, "--register", "--json")
        )
        measured = imgeval.metrics.edit(self.before, self.after)
        self.assertEqual(measured, {name: value for name, value in printed.items() if name in measured})
        self.assertEqual(set(printed) - set(measured), {"schema", "source", "edited", "mask", "mask_threshold", "text"})
        same = imgeval.metrics.edit(self.before.read_bytes(), str(self.before))
        self.assertEqual(same["registration"]["status"], "ok")

    @needs("numpy", "PIL")
    def test_masks_are_read_as_the_command_reads_them(self):
        import numpy
        from PIL import Image

        with Image.open(self.before) as image:
            width, height = image.size
        mask = numpy.zeros((height, width, 3), dtype=numpy.uint8)
        mask[40:120, 30:90] = 255
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "mask.png")
            Image.fromarray(mask).save(file)
            arguments = ["metrics", "edit", "--source", self.before, "--edited", self.after, "--mask", file, "--json"]
            # Weights of LPIPS may be missing, which the exit code says.
            done = subprocess.run([imgeval.find_program(), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        printed = json.loads(done.stdout)
        measured = imgeval.metrics.edit(self.before, self.after, mask=mask)
        self.assertEqual(measured, {name: value for name, value in printed.items() if name in measured})
        self.assertGreater(measured["psnr"], 0)
        with self.assertRaisesRegex(imgeval.Error, "marks no region"):
            imgeval.metrics.edit(self.before, self.after, mask=numpy.zeros_like(mask))
        with self.assertRaisesRegex(ValueError, "level from 1 to 255"):
            imgeval.metrics.edit(self.before, self.after, mask=mask, mask_threshold=0)

    def test_registrations_and_images_are_those_of_the_command(self):
        printed = json.loads(command("metrics", "register", "--source", self.before, "--edited", self.after, "--json"))
        measured = imgeval.register(self.before, self.after)
        self.assertEqual(measured, {name: value for name, value in printed.items() if name in measured})
        [printed] = json.loads(command("metrics", "image", self.before, "--json"))["images"]
        self.assertEqual({"image": str(self.before), **imgeval.metrics.image(self.before)}, printed)

    def test_images_that_cannot_be_used_are_named(self):
        with self.assertRaisesRegex(imgeval.Error, "cannot use `after`: looks like"):
            imgeval.metrics.edit(self.before, b"nonsense")
        with self.assertRaisesRegex(imgeval.Error, "cannot use `image`: the file could not be opened"):
            imgeval.metrics.image("/no/such/image.png")

    def test_text_is_read_as_the_command_reads_it(self):
        try:
            read = imgeval.read_text(self.before)
        except imgeval.Error as error:
            self.assertIn("models pull ocr", error.hint)
            self.skipTest("needs the text reader's weights")
        printed = json.loads(command("read", self.before, "--json"))
        self.assertEqual(read, {name: value for name, value in printed.items() if name in read})
        self.assertEqual(set(printed) - set(read), {"schema", "image"})


if __name__ == "__main__":
    unittest.main()
