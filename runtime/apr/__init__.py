"""The runtime under judgement: reference, oracles, formats and parity of LLM inference."""

__version__ = "0.1.0"
