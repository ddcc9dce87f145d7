"""MS-SSIM of all pairs of a set of images."""
