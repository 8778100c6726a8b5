"""The packages of the wheel; everything else about it stands in pyproject.toml.

The app's files at the top of the repository (app.py, pages/, sample_masks/, .streamlit/) are the package `sparselab.webapp`.
pyproject.toml cannot both find packages and name one more, so that this file is needed.
"""

from setuptools import find_packages, setup

setup(
    script_name="setup.py",  # what setuptools leaves out of the package that is this folder
    packages=[*find_packages(include=["sparselab", "sparselab.*"]), "sparselab.webapp"],
    package_dir={"sparselab.webapp": "."},
)
