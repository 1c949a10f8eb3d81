"""Lecture notes: a paper or a theory file, printed from the objects that were checked.

>>> from polarflow.notes import FORMATS
>>> FORMATS
('html', 'pdf', 'tex', 'ipynb', 'md')
"""

from ..formula import Unreadable as Unreadable
from .build import FORMATS as FORMATS
from .build import CannotBuild as CannotBuild
from .build import build as build
from .build import compose as compose
from .build import path_of as path_of
from .build import written as written
from .prose import BadProse as BadProse
