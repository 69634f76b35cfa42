"""GenEval in the form that other tools expect. Each module needs no more than the tool that it is for.

- `metric`: a metric with `update` and `compute`, as torchmetrics has them.
- `reward`: a reward function for training, `(images, prompts, metadata) -> rewards`.
- `inspect_ai`: a scorer of Inspect.
- `lmms_eval`: a task of lmms-eval.
"""
