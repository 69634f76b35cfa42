"""GenEval over images: every way to give an image, failures, progress and interrupts. Needs the preview detector's weights."""

import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import tracemalloc
import unittest

import imgeval
from imgeval._images import prepare
from support import command, examples, needs


class OverImages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.evaluate = imgeval.GenEval("preview")
        # As many as there are kinds of prompts among them, and few enough to look at them often.
        cls.paths, cls.metadata = map(list, zip(*examples()[::4]))
        cls.results = cls.evaluate(cls.paths, cls.metadata)

    def told(self, results):
        return [(result.correct, result.reason, result.details, result.score) for result in results]

    def test_verdicts_are_those_of_the_command(self):
        with tempfile.TemporaryDirectory() as folder:
            run = os.path.join(folder, "run")
            images = os.path.dirname(os.path.dirname(os.path.dirname(self.paths[0])))
            command("--quiet", "run", "--suite", "geneval", "--images", images, "--run", run, "--detector", "preview")
            results = os.path.join(folder, "results.jsonl")
            command("--quiet", "export", run, "--geneval-results", results)
            with open(results, encoding="utf-8") as rows:
                rows = {row["filename"]: row for row in map(json.loads, rows)}
        paths, metadata = zip(*examples())
        ours = {os.path.join(*path.parts[-3:]): result for path, result in zip(paths, self.evaluate(paths, metadata))}
        self.assertEqual(len(ours), len(rows))
        for name, row in rows.items():
            result = ours[next(path for path in ours if name.endswith(path))]
            self.assertEqual((result.correct, result.reason, result.details), (row["correct"], row["reason"], row["details"]))

    def test_bytes_give_the_same_as_paths(self):
        files = [path.read_bytes() for path in self.paths]
        for images in (files, map(bytearray, files), ({"bytes": file} for file in files), map(str, self.paths)):
            self.assertEqual(self.told(self.evaluate(images, self.metadata)), self.told(self.results))

    @needs("numpy", "PIL")
    def test_arrays_and_pillow_images_give_the_same_as_paths(self):
        import numpy
        from PIL import Image

        opened = [Image.open(path) for path in self.paths if path.suffix == ".png"]
        arrays = [numpy.asarray(image.convert("RGB")) for image in opened]
        # Every other row of an array twice as high: not contiguous.
        views = [numpy.repeat(array, 2, axis=0)[::2] for array in arrays]
        expected = self.told(result for path, result in zip(self.paths, self.results) if path.suffix == ".png")
        metadata = [asked for path, asked in zip(self.paths, self.metadata) if path.suffix == ".png"]
        for images in (opened, arrays, views):
            self.assertEqual(self.told(self.evaluate(images, metadata)), expected)
        for wrong in (arrays[0][:, :, 0], arrays[0].astype("float32")):
            with self.assertRaisesRegex(ValueError, "uint8"):
                self.evaluate([wrong], metadata[:1])
        with self.assertRaisesRegex(TypeError, "not int"):
            self.evaluate([7], metadata[:1])

    @needs("numpy", "PIL")
    def test_pixels_are_copied_once(self):
        import numpy
        from PIL import Image

        array = numpy.arange(2000 * 3000 * 3, dtype=numpy.uint8).reshape(2000, 3000, 3)
        for image in (array, Image.fromarray(array)):
            tracemalloc.start()
            prepared = prepare(image)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            self.assertEqual(prepared, (3000, 2000, array.tobytes()))
            self.assertLess(peak, array.nbytes + (1 << 16))
        # Bytes of a file are handed over as they are.
        file = self.paths[0].read_bytes()
        self.assertIs(prepare(file), file)

    def test_an_image_that_cannot_be_used_fails_alone(self):
        images = [self.paths[0], b"nonsense", "/no/such/image.png", b"", self.paths[1]]
        metadata = [self.metadata[0]] * 4 + [self.metadata[1]]
        results = self.evaluate(images, metadata)
        self.assertEqual([result.correct is None for result in results], [False, True, True, True, False])
        self.assertEqual(self.told([results[0], results[4]]), self.told(self.results[:2]))
        self.assertTrue(results[2].error.startswith("the file could not be opened"), results[2].error)
        self.assertEqual(results[2].error.count("could not be opened"), 1, results[2].error)
        self.assertEqual((results[1].score, results[1].reason), (None, ""))
        small = imgeval.GenEval("preview", max_pixels=100)([self.paths[0]], self.metadata[:1])
        self.assertIn("exceed the limit of 100", small[0].error)

    def test_wrong_metadata_and_lengths_are_refused(self):
        with self.assertRaisesRegex(imgeval.Error, "metadata of image 1: `tag` is missing"):
            self.evaluate(self.paths[:2], [self.metadata[0], {}])
        with self.assertRaisesRegex(ValueError, "more images than metadata"):
            self.evaluate(self.paths[:2], self.metadata[:1])
        with self.assertRaisesRegex(ValueError, "more metadata than images"):
            self.evaluate(iter(self.paths[:1]), iter(self.metadata[:2]))
        self.assertEqual(self.evaluate([], []), [])

    def test_progress_is_told_and_may_end_the_call(self):
        told = []
        self.evaluate(self.paths, self.metadata, progress=lambda done, total: told.append((done, total)))
        self.assertEqual(told, [(place + 1, len(self.paths)) for place in range(len(self.paths))])

        def refuse(done, total):
            raise StopIteration("enough")

        with self.assertRaisesRegex(StopIteration, "enough"):
            self.evaluate(self.paths, self.metadata, progress=refuse)

    def test_other_threads_run_meanwhile(self):
        seen = threading.Event()
        threading.Timer(0, seen.set).start()
        self.evaluate(self.paths, self.metadata)
        self.assertTrue(seen.is_set())

    def test_copies_by_pickle_give_the_same(self):
        copied = pickle.loads(pickle.dumps(self.evaluate))
        self.assertEqual(copied.detector, self.evaluate.detector)
        self.assertEqual(copied(self.paths[:2], self.metadata[:2]), self.results[:2])
        self.assertEqual(pickle.loads(pickle.dumps(self.results)), self.results)

    def test_weights_that_are_not_here_are_said_with_advice(self):
        with self.assertRaises(imgeval.Error) as raised:
            imgeval.GenEval("preview", models_dir="/no/such/folder")
        self.assertIn("imgeval models pull preview", raised.exception.hint)
        # Weights of a folder need CLIP for colors, the pulled one unless another is named.
        with self.assertRaisesRegex(imgeval.Error, "clip") as raised:
            imgeval.GenEval("/no/such/weights", models_dir="/no/such/folder")
        self.assertIn("imgeval models pull", raised.exception.hint)
        with self.assertRaisesRegex(imgeval.Error, "is neither a file"):
            imgeval.GenEval("/no/such/weights", clip="/no/such/clip")
        with self.assertRaisesRegex(imgeval.Error, "computes on the CPU with f32"):
            imgeval.GenEval("preview", device="cuda")
        with self.assertRaisesRegex(ValueError, 'unknown device "gpu"'):
            imgeval.GenEval("preview", device="gpu")

    @unittest.skipUnless(hasattr(os, "fork"), "forks of Unix")
    def test_a_forked_process_is_refused(self):
        child = os.fork()
        if child == 0:
            try:
                self.evaluate(self.paths[:1], self.metadata[:1])
            except imgeval.Error as error:
                os._exit(7 if "forked" in str(error) else 1)
            os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1] >> 8, 7)

    @unittest.skipIf(os.name == "nt", "signals of Unix")
    def test_an_interrupt_ends_a_call(self):
        # Images without end, so that nothing but the signal can end it.
        program = """
import itertools, sys, imgeval
evaluate = imgeval.GenEval("preview")
metadata = imgeval.geneval_metadata()[0]
images = itertools.repeat(sys.argv[1])
print("ready", flush=True)
evaluate(images, itertools.repeat(metadata))
"""
        process = subprocess.Popen(
            [sys.executable, "-c", program, self.paths[0]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate()
        self.assertIn("KeyboardInterrupt", talk)
        self.assertIn(process.returncode, (-signal.SIGINT, 130))


if __name__ == "__main__":
    unittest.main()
