"""Joint intensity-gradient guided generative colorization: a small library to read and to use."""
