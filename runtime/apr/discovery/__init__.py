"""Finding models on this machine: where they are looked for, in which order they come, and which one is meant."""

from apr.discovery.candidates import Candidate, Health, Searched, Survey, examined, look_around
from apr.discovery.choice import DEFAULT_QUANT, Choice, choose
from apr.discovery.directories import directories
from apr.discovery.order import CRITERIA, Criterion, deciding, explain, in_order

__all__ = [
    "CRITERIA",
    "DEFAULT_QUANT",
    "Candidate",
    "Choice",
    "Criterion",
    "Health",
    "Searched",
    "Survey",
    "choose",
    "deciding",
    "directories",
    "examined",
    "explain",
    "in_order",
    "look_around",
]
