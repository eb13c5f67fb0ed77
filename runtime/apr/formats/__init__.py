"""File formats: GGUF models, APRT stage files, tokenizers stored in models."""
