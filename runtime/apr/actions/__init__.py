"""Action traces: what an agent did, one JSON object a line; read strictly, written whole or not at all."""
