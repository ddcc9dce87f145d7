"""Disentangled VAE/GAN with label-relevant and label-irrelevant codes (Zheng & Sun, CVPR 2019)."""
