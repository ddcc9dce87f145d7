"""Networks: encoders, decoders, discriminators and the latent classifier."""
