"""sparselab: see, count and take away the structure hidden in unstructured pruning masks.

Importing this package costs milliseconds: torch, scikit-learn and the partitioners are loaded where they are used.
"""

from sparselab.core.version import __version__

__all__ = ["__version__"]
