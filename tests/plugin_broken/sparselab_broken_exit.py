"""Ends the process that imports it, and speaks on standard output before."""

import sys

print("hello")
sys.exit("goodbye")
