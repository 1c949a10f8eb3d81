"""Charts and reparametrisations, one per file; a new one is listed here."""

from .chart import Reparametrisation, on_spheres, rederive, transport
from .hyperspherical import angle_space, angles, direction, sphere_metric
from .polar import polar
from .weight_norm import weight_norm

__all__ = [
    "Reparametrisation",
    "angle_space",
    "angles",
    "direction",
    "on_spheres",
    "polar",
    "rederive",
    "sphere_metric",
    "transport",
    "weight_norm",
]
