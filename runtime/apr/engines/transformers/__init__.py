"""transformers as an engine: a third party that shares no code with numpy's reference or with llama.cpp."""
