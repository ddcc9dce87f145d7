"""What judges images: evaluators, the factor regressor, the features they see."""
