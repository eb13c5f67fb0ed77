"""ggml's encodings of numbers, written from the layouts of their blocks and the reference algorithms of their quantisers.

Nothing here calls `gguf` or llama.cpp: both are what these functions are held against.
"""
