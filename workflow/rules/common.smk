# The configuration, raw data folders and code fingerprints. Functions only, as in slices.smk,
# plan.smk and sources.smk.
import hashlib
import json
import os
import shutil
from functools import cache, partial
from pathlib import Path

import yaml
from dlvae.stage.artefact import read_json, write_text
from dlvae.config.preset import (
    ablation_models,
    canonical,
    load_preset,
    preset_files,
    protocol_file,
    resolve,
)
from dlvae.data.sources import MODULES
from dlvae.stage.errors import UserError
from dlvae.stage.fingerprint import fingerprint
from dlvae.candidate import find_candidate
from dlvae.stage.registry import default_options, model_names, module_name
from eval.protocol import load_protocol
from reports.claims.rules import load_rules
from reports.claims.rules import needed_scores
from reports.names import FITTED, as_published, fitted_form, forms_of
from reports.compare.conditions import other_protocol, thresholds
from snakemake.exceptions import WorkflowError

WORKFLOW = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
PRESETS = WORKFLOW.parent / "config"
# Families of scores behind the paper's tables, and behind those that the paper has not and that
# `reproduce` leaves out.
TABLES = {
    "table1": ("inception", "fidelity", "priors", "progress"),
    "table2": ("diversity", "priors"),
}
MORE_TABLES = {
    "metrics": ("fidelity",),
    "imagenet": ("imagenet",),
    "disentanglement": ("codes", "priors", "effects", "swaps"),
}
# Families of scores that the target `ablations` compares.
ABLATION_FAMILIES = ("inception", "diversity", "fidelity", "codes", "priors")
FIGURES = [f"figure{number}" for number in range(2, 8)]
# A counter that serialises the jobs that want a GPU; the device itself is chosen in the code.
GPU = 1 if shutil.which("nvidia-smi") else 0


# --- The configuration -------------------------------------------------------------------------


def resolved_config(given):
    """Complete and check what the command line brought; see dlvae.config.preset."""
    complete = bool(workflow.overwrite_configfiles)
    for path in workflow.overwrite_configfiles:
        own = yaml.safe_load(Path(path).read_text()).get("preset")
        if own not in (None, given.get("preset")):
            raise WorkflowError(
                f"{path} is the preset '{own}', but --config asks for '{given.get('preset')}': "
                "leave one of them out, or results of one would land in the folder of the other"
            )
    try:
        return resolve(given, complete, PRESETS)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def run_config():
    """The configuration of results: without the candidate that `compare` sets beside them."""
    left_out = {"candidate", "dataset", "fail_below"} | ({"fast"} if config["fast"] else set())
    return {k: v for k, v in config.items() if k not in left_out}


def save_config():
    """Save the resolved configuration with the results."""
    write_text(f"{results()}/config.yaml", yaml.safe_dump(run_config(), sort_keys=False))


def all_datasets():
    return [*config["datasets"], "three_moons"]


def trained_models():
    return [*model_names(), *ablation_models(config)]


def all_models():
    return [*trained_models(), *(fitted_form(model) for model in model_names())]


def scored_models():
    """The models of this preset, each followed by its fitted form if it has one."""
    return forms_of(config["models"], config["fitted"])


def registered(model):
    """The name by which the registry knows a model: an ablation is ours with another method."""
    return "ours" if model in ablation_models(config) else as_published(model)


def results():
    return f"results/{config['preset']}"


def resume_root():
    return f"{results()}/resume"


def section(wildcards):
    """The section of a data set, three_moons included."""
    name = wildcards.dataset
    return config["three_moons"] if name == "three_moons" else config["datasets"][name]


def code_of(*modules):
    """Fingerprint of the code behind a stage: a param, so that a change reruns the stage."""
    return fingerprint(*modules)


# --- Raw data ----------------------------------------------------------------------------------


def data_folder(dataset):
    """The local folder of a data set, None where it needs none; WorkflowError if it is missing.

    In order: datasets.<name>.data.root, data_root/<name>, data_root itself (where no second data
    set of the preset could mean it). CIFAR-10 is downloaded where data_root is shared and has no
    folder of it.
    """
    data = config["datasets"].get(dataset, {}).get("data", {})
    local = [name for name, part in config["datasets"].items() if "root" in part["data"]]
    if dataset not in local:
        return None
    root, key = data["root"], f"datasets.{dataset}.data.root"
    if root is None and config["data_root"] is not None:
        own, key = Path(config["data_root"], dataset), "data_root"
        if own.is_dir():
            root = str(own)
        elif len(local) == 1:
            root = config["data_root"]
        elif dataset == "cifar10" and existing_folder(config["data_root"], key):
            return None
        else:
            root = str(own)
    if root is None and dataset != "cifar10":
        raise WorkflowError(
            f"data set '{dataset}' needs a folder of images: --config data_root=PATH"
        )
    return existing_folder(root, key)


def unlabelled_folder(dataset):
    """The local folder of a data set's unlabelled images, None where they are rendered."""
    if dataset != "faces":
        return None
    return existing_folder(config["unlabelled_root"], "unlabelled_root")


def imagenet_weights():
    """The weights of ImageNet's Inception, which nobody needs for anything else."""
    path = config["imagenet_weights"]
    if path is None or not Path(path).is_file():
        raise WorkflowError(
            f"imagenet_weights: expected a file, found {path or 'none'}; download "
            "weights-inception-2015-12-05-6726825d.pth from the releases of torch-fidelity and "
            "say --config imagenet_weights=PATH"
        )
    return path


def existing_folder(root, key):
    if root is not None and not Path(root).is_dir():
        raise WorkflowError(f"{key}: expected a folder at {root}, found none: --config {key}=PATH")
    return root


def folder_stamp(root):
    """What a folder holds, cheaply: sizes of its files, names of the files in folders below it.

    A param of the preparation: images that come or go prepare the data set anew. An image that
    changes under its old name is not noticed.
    """
    if root is None:
        return ""
    found = {e.name: e.stat().st_size for e in Path(root).iterdir() if e.is_file()}
    for folder, _, files in os.walk(root):
        if Path(folder) != Path(root):
            found[os.path.relpath(folder, root)] = sorted(files)
    return hashlib.sha256(canonical(found).encode()).hexdigest()[:12]


def source_stamp(wildcards):
    return folder_stamp(data_folder(wildcards.dataset))


def unlabelled_source_stamp(wildcards):
    return folder_stamp(unlabelled_folder(wildcards.dataset))
