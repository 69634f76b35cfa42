"""Stored detections are scored as the command scores them."""

import json
import tempfile
import unittest
from pathlib import Path

import imgeval
from support import command, detections


class StoredDetections(unittest.TestCase):
    def test_a_thousand_rows_equal_those_of_the_command(self):
        lines = detections(1000)
        for semantics in (None, "exact", "flow-grpo", "uni-rl"):
            with self.subTest(semantics), tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "detections.jsonl"
                path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
                asked = ["--semantics", semantics] if semantics else []
                rows = [json.loads(row) for row in command("--quiet", "score-detections", path, *asked).splitlines()]
                for source in (path, str(path), lines, map(json.dumps, lines)):
                    scored = [result.to_dict() for result in imgeval.score_detections(source, semantics=semantics)]
                    self.assertEqual(scored, rows)
                correct = sum(row["correct"] for row in rows)
                self.assertTrue(100 < correct < 900, correct)

    def test_options_are_those_of_the_command(self):
        lines = detections(200)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "detections.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
            asked = ["--threshold", "0.1", "--max-objects", "2", "--position-threshold", "0.4"]
            rows = [json.loads(row) for row in command("--quiet", "score-detections", path, *asked).splitlines()]
        scored = imgeval.score_detections(lines, threshold=0.1, max_objects=2, position_threshold=0.4)
        self.assertEqual([result.to_dict() for result in scored], rows)

    def test_bad_lines_are_refused_in_one_sentence(self):
        line = detections(1)[0]
        for broken, sentence in [
            ({**line, "width": 0}, "line 2: `width` must be a positive number of whole pixels, not 0"),
            ({**line, "metadata": {}}, "line 2: `metadata` is unusable"),
            ("nonsense", "line 2: not a detections line"),
        ]:
            with self.assertRaises(imgeval.Error) as raised:
                imgeval.score_detections([line, broken])
            self.assertTrue(str(raised.exception).startswith(sentence), raised.exception)
            self.assertIsNone(raised.exception.hint)
        with self.assertRaises(imgeval.Error):
            imgeval.score_detections([line], threshold=2)
        with self.assertRaisesRegex(ValueError, 'unknown semantics "mine"'):
            imgeval.score_detections([line], semantics="mine")
        with self.assertRaises(OSError):
            imgeval.score_detections("/no/such/file.jsonl")

    def test_errors_of_an_iterable_are_its_own(self):
        def lines():
            yield detections(1)[0]
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            imgeval.score_detections(lines())


if __name__ == "__main__":
    unittest.main()
