"""sparselab: see, count and take away the structure hidden in unstructured pruning masks.

Importing this package costs milliseconds: torch, scikit-learn and the partitioners are loaded where they are used.
"""

__version__ = "0.1.0"
