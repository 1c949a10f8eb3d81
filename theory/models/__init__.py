"""Models, one per file; a new one is listed here."""

from .difference import difference
from .model import Model
from .network import linear_network, relu_network
from .power import power
from .product import hadamard, product

__all__ = ["Model", "difference", "hadamard", "linear_network", "power", "product", "relu_network"]
