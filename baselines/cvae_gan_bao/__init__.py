"""CVAE-GAN with classifier and feature matching, as Bao et al. published it."""
