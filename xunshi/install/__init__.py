"""From a fresh clone to something that runs: the Python environment, weights and the dashboard's pages.

Standard library only, because nothing is installed yet. Started by the Makefile (`python3 -m install run|dev`).
Each step keeps a stamp of what it was made from under `.venv/stamps/`, so a second run finds nothing to do.
"""
