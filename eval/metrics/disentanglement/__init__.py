"""How far z_s and z_u are disentangled, measured on arrays of codes, labels and factors."""
