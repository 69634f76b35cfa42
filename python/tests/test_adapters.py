"""Adapters, with the packages that they are for where these are installed."""

import base64
import json
import math
import pickle
import tempfile
import unittest

import imgeval
from imgeval.adapters.metric import GenEvalMetric
from imgeval.adapters.reward import geneval_reward
from support import examples, needs

SAMPLES = examples()[::3]


class Adapters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.evaluate = imgeval.GenEval("preview")
        cls.paths, cls.metadata = map(list, zip(*SAMPLES))
        cls.results = cls.evaluate(cls.paths, cls.metadata)

    def test_a_metric_gives_the_scores_of_all_batches(self):
        metric, other = GenEvalMetric(self.evaluate), GenEvalMetric(self.evaluate)
        metric.update(self.paths[:2], self.metadata[:2])
        other.update([*self.paths[2:], b"nonsense"], [*self.metadata[2:], self.metadata[0]])
        metric.merge(pickle.loads(pickle.dumps(other)))
        tags = {}
        for result in self.results:
            tags.setdefault(result.tag, []).append(result.correct)
        shares = {tag: sum(correct) / len(correct) for tag, correct in tags.items()}
        overall = sum(shares[tag] for tag in sorted(shares)) / len(shares)
        self.assertEqual(metric.compute(), {**shares, "overall": overall, "unusable": 1})
        metric.reset()
        self.assertEqual(metric.compute(), {"unusable": 0})

    def test_rewards_are_those_of_the_results(self):
        prompts = [asked["prompt"] for asked in self.metadata]
        for name in ("score", "reward", "strict_reward"):
            rewards = geneval_reward(self.evaluate, reward=name)(self.paths, prompts, self.metadata)
            self.assertEqual(rewards, [getattr(result, name) for result in self.results])
        with self.assertRaisesRegex(imgeval.Error, "image 1: looks like"):
            geneval_reward(self.evaluate)([self.paths[0], b"nonsense"], prompts[:2], self.metadata[:2])
        lenient = geneval_reward(self.evaluate, unusable="nan")
        self.assertTrue(math.isnan(lenient([b"nonsense"], prompts[:1], self.metadata[:1])[0]))

    @needs("torch", "PIL", "numpy")
    def test_tensors_give_the_same_rewards(self):
        import numpy
        import torch
        from PIL import Image

        arrays = [numpy.asarray(Image.open(path).convert("RGB")) for path in self.paths[:2]]
        tensor = torch.from_numpy(numpy.stack(arrays)).permute(0, 3, 1, 2).float() / 255
        rewards = geneval_reward(self.evaluate)(tensor, ["", ""], self.metadata[:2])
        self.assertEqual(rewards, [result.score for result in self.results[:2]])

    @needs("torchmetrics", "torch")
    def test_a_collection_of_torchmetrics_is_fed_alike(self):
        import torch
        from torchmetrics import Metric

        class InTorchmetrics(Metric):
            """As docs/python.md shows it."""

            def __init__(self, inner):
                super().__init__()
                self.inner = inner

            def update(self, images, metadata):
                self.inner.update(images, metadata)

            def compute(self):
                return {name: torch.tensor(value) for name, value in self.inner.compute().items()}

        metric = InTorchmetrics(GenEvalMetric(self.evaluate))
        metric.update(self.paths, self.metadata)
        self.assertAlmostEqual(float(metric.compute()["overall"]), metric.inner.compute()["overall"], places=6)

    @needs("inspect_ai")
    def test_inspect_scores_answers_with_images(self):
        from inspect_ai import Task, eval
        from inspect_ai.dataset import Sample
        from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ContentImage, ModelOutput, ModelUsage, get_model

        from imgeval.adapters.inspect_ai import geneval

        paths, metadata, results = self.paths[:3], self.metadata[:3], self.results[:3]
        images = ["data:image/png;base64," + base64.b64encode(path.read_bytes()).decode() for path in paths]
        contents = [*([ContentImage(image=image)] for image in images), "I cannot draw"]
        messages = [ChatMessageAssistant(content=content) for content in contents]
        # With their usage, which would need a tokenizer from elsewhere.
        answers = [
            ModelOutput(model="mockllm", choices=[ChatCompletionChoice(message=message)], usage=ModelUsage(total_tokens=1))
            for message in messages
        ]
        metadata = [*metadata, metadata[0]]
        samples = [Sample(input=asked["prompt"], metadata={"geneval": asked}) for asked in metadata]
        with tempfile.TemporaryDirectory() as folder:
            [log] = eval(
                Task(dataset=samples, scorer=geneval(self.evaluate)),
                model=get_model("mockllm/model", custom_outputs=answers),
                log_dir=folder,
                display="none",
                max_samples=1,
            )
            self.assertEqual(log.status, "success", log.error and log.error.message)
            values = [sample.scores["geneval"].value for sample in log.samples]
        expected = [{"correct": int(result.correct), "score": result.score} for result in results]
        self.assertEqual(values, [*expected, {"correct": 0, "score": 0.0}])

    @needs("lmms_eval")
    def test_lmms_eval_runs_the_task(self):
        from lmms_eval.tasks import TaskManager, get_task_dict

        from imgeval.adapters import lmms_eval

        with tempfile.TemporaryDirectory() as folder:
            lmms_eval.write_task(folder, limit=3)
            manager = TaskManager("INFO", include_path=folder, include_defaults=False)
            task = get_task_dict(["imgeval_geneval"], manager, task_type="simple")["imgeval_geneval"]
            docs = list(task.test_docs())
            self.assertEqual([task.doc_to_text(doc) for doc in docs], [asked["prompt"] for asked in imgeval.geneval_metadata()[:3]])
            doc = {**docs[0], "metadata": json.dumps(self.metadata[0])}
            answer = json.dumps({"text": "", "images": [str(self.paths[0])]})
            verdicts = [task.process_results(doc, [answer])["geneval_overall"] for answer in (answer, "I cannot draw")]
            self.assertEqual([verdict["correct"] for verdict in verdicts], [self.results[0].correct, False])
            self.assertEqual(task.aggregation()["geneval_overall"](verdicts), self.results[0].correct / 2)

    def test_a_scorer_is_small_until_it_is_used_and_adds_columns(self):
        scorer = imgeval.Scorer("preview", image="picture")
        batch = {"picture": [path.read_bytes() for path in self.paths], "metadata": list(map(json.dumps, self.metadata))}
        for one in (scorer, pickle.loads(pickle.dumps(scorer))):
            self.assertLess(len(pickle.dumps(one)), 1000)
            scored = one({**batch, "name": list(map(str, self.paths))})
            self.assertEqual(scored["correct"], [result.correct for result in self.results])
            self.assertEqual(list(scored), ["picture", "metadata", "name", *imgeval._scorer.COLUMNS])
        row = scorer.score(batch["picture"][0], self.metadata[0])
        self.assertEqual(row["score"], self.results[0].score)

    @needs("ray", "pyarrow")
    def test_ray_maps_batches_over_actors(self):
        import ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        try:
            rows = [{"image": path.read_bytes(), "metadata": json.dumps(asked), "place": place} for place, (path, asked) in enumerate(SAMPLES)]
            scored = ray.data.from_items(rows).map_batches(
                imgeval.Scorer,
                fn_constructor_args=("preview",),
                compute=ray.data.ActorPoolStrategy(size=1),
                batch_size=len(rows),
            )
            correct = {row["place"]: bool(row["correct"]) for row in scored.take_all()}
        finally:
            ray.shutdown()
        self.assertEqual(correct, dict(enumerate(result.correct for result in self.results)))

    @needs("daft")
    def test_daft_scores_a_column(self):
        import daft

        rows = [{"image": path.read_bytes(), "metadata": json.dumps(asked)} for path, asked in SAMPLES]
        frame = daft.from_pylist(rows)
        scorer = daft.cls(imgeval.Scorer)("preview")
        scored = frame.select(scorer.score(frame["image"], frame["metadata"]).alias("scored")).to_pylist()
        self.assertEqual([row["scored"]["correct"] for row in scored], [result.correct for result in self.results])


if __name__ == "__main__":
    unittest.main()
