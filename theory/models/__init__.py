"""Models, one per file; a new one is listed here."""

from .difference import difference
from .model import Model
from .power import power
from .product import hadamard, product

__all__ = ["Model", "difference", "hadamard", "power", "product"]
