"""Class-conditional Wasserstein GAN with gradient penalty."""
