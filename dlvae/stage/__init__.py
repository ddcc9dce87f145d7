"""What every stage shares: artefacts, manifests, seeds, progress, fingerprints, models by name."""
