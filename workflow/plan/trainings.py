"""Trainings, and what is sampled of them: slices, budgets, memory."""

from __future__ import annotations

from typing import Any

from dlvae.stage.registry import default_options
from workflow.plan import Plan

# MiB of weights and moments at full width, and of an image of a batch.
MEMORY = {"toy": (0, 0), "net32": (300, 4), "net64": (1300, 50)}


class TrainingPlan(Plan):
    """Training, fine-tuning and sampling of a model."""

    def supervised(self, job: Any) -> str:
        """Return the slice of a training.

        Weights are copied after half of the budget, and for learning curves after halves of that.
        """
        train = self.budget(job.dataset)
        if "steps" in train:
            halves = range(1, 5 if self.config["curves"] else 2)
            train["snapshots"] = sorted({max(1, train["steps"] // 2**k) for k in halves})
        return self._slice(job, "supervised", train)

    def longer(self, job: Any) -> str:
        """Return the slice of the same training, continued."""
        train, factor = self.budget(job.dataset), self.curve_factor(job.seed)
        train["snapshots"] = [train["steps"] * 2**k for k in range(1, factor.bit_length())]
        train["steps"] *= factor
        return self._slice(job, "supervised", train)

    def semi(self, job: Any) -> str:
        """Return the slice of the fine-tuning on unlabelled images, never longer than its own."""
        train = {**self.section(job.dataset)["semi_supervised"]}
        train["steps"] = min(train["steps"], self.config["steps"] or train["steps"])
        return self._slice(job, "semi_supervised", train)

    def _slice(self, job: Any, stage: str, train: dict[str, Any]) -> str:
        part, model = self.section(job.dataset), self.registered(job.model)
        method = self.config["method"] | part.get("method", {}) | self.ablations.get(job.model, {})
        # The defaults too: an edit of its options.py trains that baseline anew.
        options = default_options(model) | self.config["options"].get(model, {})
        own = {"network": part["network"], "train": train, "method": method, "options": options}
        # As in every stored slice, a key that is true is not said.
        fast = {} if self.config["fast"] else {"fast": False}
        return self.slice(job, model=model, stage=stage, **own, **fast)

    def sample(self, job: Any) -> str:
        """Return the slice of a sample set."""
        # The rule, not a number: how many classes a folder holds is known once it is prepared.
        own = {"per_class": vars(self.protocol.samples), "bn_eval": self.protocol.bn_eval}
        return self.slice(job, model=self.registered(job.model), **own)

    def budget(self, dataset: str) -> dict[str, Any]:
        """Return a data set's section `train` with the number of steps that this run asks for."""
        train = {**self.section(dataset)["train"]}
        if self.config["steps"] is not None and "steps" in train:
            train["steps"] = self.config["steps"]
        return train

    def curve_factor(self, seed: int | str) -> int:
        """Return how many times its budget a training is continued to: the first seed longest."""
        first = int(seed) == self.config["seeds"][0]
        return self.config["curves"]["first_seed_factor" if first else "factor"]

    def memory(self, job: Any) -> int:
        """Estimate the memory of a training, MiB: torch, weights and moments, activations."""
        part = self.section(job.dataset)
        width, batch = part["network"]["width"], part["train"]["batch_size"]
        weights, image = MEMORY[part["network"]["backbone"]]
        return round(1000 + weights * width**2 + image * width * batch)
