"""Scores of a run as tables of Arrow."""

import os
import tempfile
import unittest

import imgeval
from support import EXAMPLES, command, needs


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, "run")
        command("--quiet", "run", "--suite", "geneval", "--images", EXAMPLES, "--run", cls.path, "--detector", "preview")
        cls.opened = imgeval.Run.open(cls.path)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_a_run_says_what_it_is(self):
        self.assertEqual((self.opened.suite, self.opened.n_images, len(self.opened.evaluators)), ("geneval", 13, 1))
        with self.assertRaisesRegex(imgeval.Error, "is not a run directory") as raised:
            imgeval.Run.open(self.folder.name)
        self.assertIn("imgeval import", raised.exception.hint)

    def test_the_table_has_a_row_for_each_sample(self):
        scores = self.opened.scores()
        self.assertEqual(len(scores), 13)
        self.assertEqual(scores.column_names[:3], ["case_id", "sample", "round"])

    @needs("pyarrow")
    def test_pyarrow_reads_what_an_exported_data_set_holds(self):
        import pyarrow
        import pyarrow.parquet

        dataset = os.path.join(self.folder.name, "dataset")
        command("--quiet", "export", self.path, "--dataset", dataset, "--no-images")
        exported = pyarrow.parquet.read_table(os.path.join(dataset, "scores", "00000.parquet"))
        scores = self.opened.scores()
        table = pyarrow.table(scores)
        self.assertEqual(table.to_pylist(), exported.to_pylist())
        self.assertEqual(table.schema, pyarrow.schema(scores))
        # Both tables are the same memory.
        buffers = [pyarrow.table(scores).column("score").chunk(0).buffers()[1].address for _ in range(2)]
        self.assertEqual(buffers[0], buffers[1])
        # The memory outlives what handed it over.
        column = pyarrow.table(self.opened.scores()).column("score")
        self.assertAlmostEqual(sum(value.as_py() for value in column), 9.0)

    @needs("polars")
    def test_polars_takes_the_table(self):
        import polars

        frame = polars.DataFrame(self.opened.scores())
        self.assertEqual(frame["score"].sum(), 9.0)

    @needs("pandas", "pyarrow")
    def test_pandas_takes_the_table(self):
        import pandas

        if not hasattr(pandas.DataFrame, "from_arrow"):
            self.skipTest("needs pandas 3")
        self.assertEqual(pandas.DataFrame.from_arrow(self.opened.scores())["score"].sum(), 9.0)


if __name__ == "__main__":
    unittest.main()
