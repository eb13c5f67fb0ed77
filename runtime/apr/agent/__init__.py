"""The agent behind `apr code`: a model, tools confined to a folder, and the loop between them."""
