"""One set of names and specifiers, and a lock that holds no address."""

import re
import tomllib
from collections import Counter

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.places import ROOT
from typer.testing import CliRunner

from nse_lstm.cli import app

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ["requirements.lock", "requirements-service.lock"]
FIXED = {
    "jupyterlab",
    "papermill",
    "tensorflow",
    "pandas",
    "matplotlib",
    "scikit-learn",
}


def as_set(lines: list[str]) -> set[tuple[str, str, str]]:
    parsed = [Requirement(line) for line in lines]
    return {
        (canonicalize_name(r.name), str(sorted(r.extras)), str(r.specifier))
        for r in parsed
    }


def conda_dependencies() -> tuple[list[str], list[str]]:
    document = yaml.safe_load((ROOT / "environment.yml").read_text())
    plain = [item for item in document["dependencies"] if isinstance(item, str)]
    (nested,) = [item for item in document["dependencies"] if isinstance(item, dict)]
    return plain, nested["pip"]


def test_conda_and_pip_users_get_the_same_names_and_specifiers() -> None:
    plain, pip = conda_dependencies()
    assert as_set([line for line in pip if line != "-e ."]) == as_set(
        PROJECT["dependencies"]
    )
    assert f"python{PROJECT['requires-python']}" in plain


def test_the_fixed_packages_are_there_and_everything_has_a_lower_bound() -> None:
    extras = PROJECT["optional-dependencies"]["dev"]
    requirements = [Requirement(r) for r in [*PROJECT["dependencies"], *extras]]
    assert {r.name for r in requirements} >= FIXED
    unbounded = [r.name for r in requirements if ">=" not in str(r.specifier)]
    assert unbounded == []


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_has_a_hash_for_every_pin_and_holds_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"https?:|--index|--find-links|file:", text)
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all("==" in e and "--hash=sha256:" in e for e in entries)


def test_the_lock_satisfies_what_the_project_asks_for() -> None:
    pins: dict[str, list[str]] = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if "==" in line and not line.startswith(" "):
            name, version = line.split(";")[0].strip(" \\").split("==")
            name = canonicalize_name(name.split("[")[0])
            pins.setdefault(name, []).append(version.strip())
    extras = PROJECT["optional-dependencies"]["dev"]
    for requirement in map(Requirement, [*PROJECT["dependencies"], *extras]):
        found = pins.get(canonicalize_name(requirement.name), [])
        assert found, requirement.name
        assert all(requirement.specifier.contains(v) for v in found), requirement.name


def pins_of(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {line.split(" ")[0] for line in lines if re.match(r"\S+==", line)}


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_has_one_version_of_a_package_on_every_python(name: str) -> None:
    names = Counter(pin.split("==")[0] for pin in pins_of(name))
    assert [name for name, pins in names.items() if pins > 1] == []


def test_the_service_has_the_studys_versions_and_neither_networks_nor_notebooks():
    own, whole = (pins_of(name) for name in reversed(LOCKS))
    assert own and own <= whole
    names = {pin.split("==")[0] for pin in own}
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    wanted = {canonicalize_name(Requirement(r).name) for r in groups["service"]}
    assert wanted <= names
    assert not names & {"tensorflow", "keras", "jupyterlab", "matplotlib", "scipy"}


def test_the_citation_and_the_command_name_the_version_of_the_project() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    found = CliRunner().invoke(app, ["--version"])
    assert found.stdout == f"nse-lstm {PROJECT['version']}\n"
    assert found.exit_code == 0
