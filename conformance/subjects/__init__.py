"""The names that `--subject` takes: the suite's own subjects, and those that others declare.

A package declares its subject as an entry point of the group `conformance.subjects`. A project that is not installed
declares it in its pyproject.toml, as such an entry point or in the table `[tool.conformance.subjects]`. Any other
subject is named `module:Class`.
"""

import importlib.metadata
import pathlib

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11; pytest brings it
    import tomli as tomllib

GROUP = "conformance.subjects"
OWN = {
    "mindspore": "conformance.subjects.mindspore:BuiltIn",
    "numpy": "conformance.subjects.numpy:NumPy",
    "torch": "conformance.subjects.torch:Torch",
}


def known(home):
    """Name -> 'module:Class', for a run started in the folder `home`."""
    found = {}
    for distribution in importlib.metadata.distributions():
        found.update({point.name: point.value for point in distribution.entry_points if point.group == GROUP})
    for project in _projects(home):
        found.update(project.get("project", {}).get("entry-points", {}).get(GROUP, {}))
        found.update(project.get("tool", {}).get("conformance", {}).get("subjects", {}))
    return {**found, **OWN}


def default(home):
    """The subject of a run that names none, or None."""
    names = (project.get("tool", {}).get("conformance", {}).get("default-subject") for project in _projects(home))
    return next(filter(None, names), None)


def _projects(home):
    """The pyproject.toml of the current folder, and of the checkout that holds the suite."""
    for folder in dict.fromkeys((pathlib.Path(home), pathlib.Path(__file__).parents[2])):
        file = folder / "pyproject.toml"
        if file.is_file():
            yield tomllib.loads(file.read_text())
