"""What is found out about a model: passes watched, products timed alone, threads, names of kernels; put together as evidence."""

from sparselab.diagnosis.gathering.gather import gather
from sparselab.diagnosis.gathering.passes import Inputs

__all__ = ["Inputs", "gather"]
