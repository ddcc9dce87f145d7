"""Conditional VAE-GAN."""
