"""Text: tokenizers, special tokens, chat templates and sampling; what lies between a user's words and token ids."""
