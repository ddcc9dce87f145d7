"""What every model keeps to, as functions: each takes a case and says in words what is wrong.

`CHECKS` holds those that concern any model, by the name of the promise they are about. A model is a
name of the registry, so that they serve ours, a baseline and an installed package alike.
"""

from conformance.abilities import check_abilities
from conformance.case import NET64, TASKS, Case
from conformance.definition import check_definition, check_folder
from conformance.sampling import (
    check_batch_of_a_sample,
    check_images,
    check_label,
    check_sample_generator,
    check_trace_of_sampling,
)
from conformance.saving import check_resumed_training, check_saved_model
from conformance.training import (
    check_gradients_left,
    check_losses,
    check_networks_move,
    check_training_generator,
)
from conformance.words import Broken

CHECKS = {
    "is_defined_in_full": check_definition,
    "returns_finite_detached_losses": check_losses,
    "moves_every_network": check_networks_move,
    "leaves_no_gradient": check_gradients_left,
    "trains_from_its_generator_alone": check_training_generator,
    "continues_to_the_same_bytes": check_resumed_training,
    "samples_in_shape_and_range": check_images,
    "samples_the_label": check_label,
    "samples_from_its_generator_alone": check_sample_generator,
    "samples_alike_in_any_batch": check_batch_of_a_sample,
    "samples_without_a_trace": check_trace_of_sampling,
    "loads_to_the_same_samples": check_saved_model,
    "has_the_abilities_it_offers": check_abilities,
}
# What lower precision, larger networks or another device can change.
NUMERICAL_CHECKS = {
    name: CHECKS[name]
    for name in (
        "returns_finite_detached_losses",
        "moves_every_network",
        "samples_in_shape_and_range",
        "has_the_abilities_it_offers",
    )
}

__all__ = [
    "CHECKS",
    "NET64",
    "NUMERICAL_CHECKS",
    "TASKS",
    "Broken",
    "Case",
    "check_definition",
    "check_folder",
]
