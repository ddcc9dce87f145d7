"""Photographs of people become aligned faces of 64 pixels, by identity, as the paper has them.

`snakemake prepare_faces --config photos=ROOT` reads ROOT/<identity>/<photo> and writes a folder
that the data set `faces` takes as its `data_root`. OpenCV is imported here and nowhere else.
"""
