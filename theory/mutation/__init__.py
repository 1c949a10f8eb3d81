"""Slips of the pen: from a true claim to plausible false ones, by a change of its formula or its conditions."""

from .mutants import KINDS, Mutant, mutants
from .slips import SLIPS

__all__ = ["KINDS", "SLIPS", "Mutant", "mutants"]
