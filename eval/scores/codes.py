"""What the codes of a trained model say: where the label is, and where all else.

Probes and regressions learn on codes of training images and are scored on held-out ones, and so
is every other measure, but for MIG and SAP, which fit nothing and take the training codes, of
which there are more. The two splits are thinned out, see
:func:`eval.models.encoding.split_to_encode`.

z_u is the posterior mean m(x), which figures and reconstructions decode. A sample m + sigma * eps
is what the classifier of Eq. 4 is trained on, and the decoder too. Its noise can hide from a probe
what the mean tells, the more so the nearer sigma is to 1: a probe at chance on means says more
than one at chance on samples, and one above chance on means does not say that the adversary of
Eq. 5 failed. The accuracy on one sample per image stands beside it, as z_u_sampled.

A baseline's z ~ N(0, I) is scored as z_u; its encoder was told the label, so what a probe reads
there may have come from the label rather than from the image. It has no z_s. How near codes and
priors are is a family of its own, `priors`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from dlvae.base import GenerativeModel
from dlvae.data.dataset import Split
from dlvae.data.synthetic_faces.factors import IRRELEVANT_FACTORS
from dlvae.stage.registry import load_model
from eval.families import FAMILIES
from eval.metrics.disentanglement.factor_scores import dci, mig, sap
from eval.metrics.disentanglement.prior_fit import active_units
from eval.metrics.disentanglement.probes import KINDS, label_probe, regression_probe
from eval.metrics.measured import Measured
from eval.metrics.toy_points import arc_position, bayes_accuracy
from eval.models.decoding import ready_model
from eval.models.encoding import (
    NO_CODES,
    NO_Z_S,
    SplitCodes,
    encode_split,
    has_codes,
    reconstruction_errors,
    split_to_encode,
    variance,
)
from eval.request import FamilyScores, ScoreRequest

EXCESS_OF = "mlp"
FACTORS = ("dci_disentanglement", "dci_completeness", "dci_informativeness", "mig", "sap")
OF_ARCS = ("position_r2", "bayes_accuracy")
RECONSTRUCTION = ("reconstruction_mse", "image_variance")
METRICS = [m for m in FAMILIES["codes"].metrics if not m.startswith("factor_r2")]
OF_Z_S = [m for m in METRICS if m.endswith(":z_s")]

WITHOUT = dict.fromkeys(OF_Z_S, NO_Z_S)
WITHOUT |= dict.fromkeys(FACTORS, "needs two label-irrelevant ground-truth factors that vary")
WITHOUT |= dict.fromkeys(OF_ARCS, "needs the arcs of three_moons")
WITHOUT |= dict.fromkeys(RECONSTRUCTION, "the model does not reconstruct images")
"""Why a model that encodes has no value."""

Found = tuple[dict[str, Measured], dict[str, Any]]
"""Values by metric, and what goes to the manifest."""


def codes(request: ScoreRequest) -> FamilyScores:
    """Score a model with ``encode``, or with ``posterior`` of a label-fed encoder, input ``model``.

    `METRICS`, and `factor_r2:<factor>` where there are ground-truth factors. A metric that the
    model or the data set has not is there without a value.
    """
    folder, name = request.path("model"), request.config["model"]
    train, test = (split_to_encode(request.data, split) for split in ("train", "test"))
    able = load_model(folder)
    why = WITHOUT if has_codes(able) else {}
    values = {m: Measured(None, len(test), note=why.get(m, NO_CODES)) for m in METRICS}
    extra: dict[str, Any] = {"training": len(train), "held_out": len(test)}
    if has_codes(able):
        source = train if hasattr(able, "reconstruct") else None
        model = ready_model(request, folder, name, source=source)
        learned, held_out = encode_split(model, train), encode_split(model, test)
        for found, more in (
            _label(request, learned, held_out),
            _units(held_out),
            _factors(request, learned, held_out),
            _position(request, learned, held_out),
            _reconstruction(model, test),
        ):
            values, extra = values | found, extra | more
    files = request.splits("train", "test")
    return FamilyScores.of_model(request, values, label=name, files=files, extra=extra)


def _label(request: ScoreRequest, train: SplitCodes, test: SplitCodes) -> Found:
    """Probes of the label, with Wilson intervals over the held-out images."""
    y, truth, values, converged = train.split.labels, test.split.labels, {}, {}
    pairs = {code: (getattr(train, code), getattr(test, code), KINDS) for code in ("z_s", "z_u")}
    draws = request.numpy_draws("sampled")
    sampled = (
        part.z_u + np.exp(part.z_u_logvar / 2) * draws.standard_normal(part.z_u.shape)
        for part in (train, test)
    )
    pairs["z_u_sampled"] = (*sampled, (EXCESS_OF,))
    for code, (x, held_out, kinds) in pairs.items():
        if x is None:
            continue
        for kind in kinds:
            draws = request.numpy_draws("label", code, kind)
            found = label_probe(x, y, held_out, truth, kind, draws)
            name = f"probe_{kind}:{code}"
            values[name], converged[name] = Measured.share(found.score, found.n), found.converged
            values["probe_chance"] = Measured(found.chance, found.n)
        reached, chance = values[f"probe_{EXCESS_OF}:{code}"], values["probe_chance"].value
        values[f"probe_excess:{code}"] = dataclasses.replace(
            reached,
            value=reached.value - chance,
            low=reached.low - chance,
            high=reached.high - chance,
        )
    return values, {"converged": converged, "encoder_told_labels": train.labelled}


def _units(test: SplitCodes) -> Found:
    """Units in use: of z_u, and of z_s where there is one."""
    n, values = len(test.split), {}
    for code in ("z_s", "z_u"):
        if (x := getattr(test, code)) is not None:
            active = active_units(x)
            values[f"active_units:{code}"] = Measured(float(active.mean()), n)
            values[f"active_count:{code}"] = Measured(int(active.sum()), n)
    return values, {}


def _factors(request: ScoreRequest, train: SplitCodes, test: SplitCodes) -> Found:
    """Label-irrelevant factors in z_u: DCI by forests, MIG, SAP; R^2 of a ridge regression."""
    splits, n = (train.split, test.split), len(test.split)
    if any(split.factors is None for split in splits):
        return {}, {}
    vary = [set(s.factor_names[np.ptp(s.factors, axis=0) > 0].tolist()) for s in splits]
    names = [name for name in IRRELEVANT_FACTORS if name in set.intersection(*vary)]
    if len(names) < 2:
        return {}, {}
    columns = [train.split.factor_names.tolist().index(name) for name in names]
    f, truth = (split.factors[:, columns] for split in splits)
    forests = dci(train.z_u, f, test.z_u, truth, names, request.numpy_draws("dci"))
    gaps = {"mig": mig(train.z_u, f, names), "sap": sap(train.z_u, f, names)}
    values = {
        "dci_disentanglement": Measured(forests.disentanglement, n),
        "dci_completeness": Measured(forests.completeness, n),
        "dci_informativeness": Measured(forests.informativeness, n),
    }
    for name, gap in gaps.items():
        values[name] = Measured(float(np.mean(list(gap.values()))), len(f))
    for j, name in enumerate(names):
        draws = request.numpy_draws("factor", name)
        found = regression_probe(train.z_u, f[:, j], test.z_u, truth[:, j], "linear", draws)
        values[f"factor_r2:{name}"] = Measured(found.score, n)
    return values, {"forest_r2": forests.r2, "per_factor": gaps}


def _position(request: ScoreRequest, train: SplitCodes, test: SplitCodes) -> Found:
    """Position within the arc of the toy data, read from z_u by an MLP; the best of label probes.

    No probe can read the label off codes of the points better than off the points themselves.
    """
    if request.card["dataset"] != "three_moons":
        return {}, {}
    t, truth = (arc_position(part.split.points, part.split.labels) for part in (train, test))
    draws = request.numpy_draws("position")
    found = regression_probe(train.z_u, t, test.z_u, truth, "mlp", draws)
    best = bayes_accuracy(request.card["preparation"]["noise"])
    values = (Measured(found.score, found.n), Measured(best, found.n))
    return dict(zip(OF_ARCS, values, strict=True)), {"position_converged": found.converged}


def _reconstruction(model: GenerativeModel, test: Split) -> Found:
    """Error of reconstructions, and that of the mean image in the place of each."""
    if not hasattr(model, "reconstruct"):
        return {}, {}
    found = Measured.mean_over_images(reconstruction_errors(model, test))
    values = (found, Measured(variance(test), len(test)))
    return dict(zip(RECONSTRUCTION, values, strict=True)), {}
