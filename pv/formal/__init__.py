"""The language of executable contracts: expressions, domains, obligations. Nothing here computes; texts are never executed."""
