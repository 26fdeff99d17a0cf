"""The project's own files: versions agree, the wheel is whole, nothing private is in the tree."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent


def pins(lines) -> dict[str, str]:
    found = (re.match(r"([A-Za-z0-9._-]+)==([^\s#;]+)", line.strip()) for line in lines)
    return {m[1].lower().replace("_", "-"): m[2] for m in found if m}


def constraints() -> dict[str, str]:
    return pins((ROOT / "constraints.txt").read_text().splitlines())


def requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [r for extra in project["optional-dependencies"].values() for r in extra]
    return [re.split(r"[><=!~ \[;]", r)[0].lower() for r in project["dependencies"] + extras]


def test_every_dependency_is_pinned_once_and_alike():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    conda_side, constraint_side = pins(pip), constraints()
    for name in requirements():
        assert name in constraint_side, f"{name} is not in constraints.txt"
        assert conda_side.get(name) == constraint_side[name], f"{name} differs in environment.yml"


def test_imports_are_declared():
    known = {
        "PIL": "pillow",
        "skimage": "scikit-image",
        "sklearn": "scikit-learn",
        "yaml": "pyyaml",
        "IPython": "ipython",
    }
    through = {
        "ipython",
        "jupyter-client",
        "nbformat",
        "nbclient",
        "traitlets",
        "tornado",
        "scipy",
        "jupyter-core",
        "jupyter-server",
        "ipykernel",
        "nbconvert",
        "pydantic-core",
    }  # of jupyterlab, scikit-image and pydantic
    declared = set(requirements()) | through | {"jgm-lib", "data-scripts"}
    for path in [*ROOT.glob("jgm_lib/**/*.py"), *ROOT.glob("data_scripts/*.py")]:
        for name in imported(path) - set(sys.stdlib_module_names):
            package = known.get(name, name).lower().replace("_", "-")
            assert package in declared, f"{path.name} imports {name}"


def imported(path: Path) -> set[str]:
    """Top-level names of the absolute imports of a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found


OWN = ("photos-64", "scenes-64", "toy-32", "classifier-64")  # the others are compared with them


def compared_weights() -> list[int]:
    """Sizes in bytes of the bundled weights of the compared systems."""
    found = (ROOT / "jgm_lib" / "weights").glob("*.safetensors")
    return [p.stat().st_size for p in found if p.stem not in OWN]


@pytest.mark.timeout(600)
def test_wheel_has_the_weights_and_works_outside_the_repository(tmp_path):
    """Built from a copy, unpacked into an empty folder, run there with the tree out of sight."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-q",
        "-w",
        str(tmp_path),
        str(copy_of_the_tree(tmp_path / "tree")),
    ]
    subprocess.run(command, check=True, timeout=300)
    wheel = next(tmp_path.glob("*.whl"))
    compared = compared_weights()
    assert max(compared) <= 4e6 and sum(compared) <= 45e6  # each and all of the compared systems
    assert wheel.stat().st_size < 45e6 + sum(compared)
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as z:
        names = z.namelist()
        z.extractall(site)
    for wanted in (
        "jgm_lib/weights/scenes-64.safetensors",
        "jgm_lib/weights/scenes-64.json",
        "jgm_lib/weights/photos-64.safetensors",
        "jgm_lib/weights/backbone/lite0.safetensors",
        "jgm_lib/weights/backbone/lite2.safetensors",
        "jgm_lib/weights/backbone/NOTICE",
        "jgm_lib/weights/toy-32.safetensors",
        "jgm_lib/weights/classifier-64.safetensors",
        "jgm_lib/cards/scenes-64.yaml",
        "data_scripts/folder.py",
    ):
        assert wanted in names
    assert not [n for n in names if n.startswith(("tests", "notebooks", "runs"))]
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import jgm_lib; assert jgm_lib.__file__.startswith(sys.argv[1]), jgm_lib.__file__\n"
        "from jgm_lib.data import samples; samples.load('china').save('china.png')\n"
        "from jgm_lib.cli import main\n"
        "sys.exit(main(['colorize', 'china.png', '-o', 'out', '--n', '1', '--steps', '2']))"
    )
    subprocess.run([sys.executable, "-c", code, str(site)], cwd=tmp_path, check=True, timeout=300)
    assert (tmp_path / "out" / "china_1.png").exists()


def copy_of_the_tree(target: Path) -> Path:
    import shutil

    names = ("jgm_lib", "data_scripts", "pyproject.toml", "README.md", "LICENSE")
    target.mkdir()
    for name in names:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return target


def tracked() -> list[Path]:
    try:
        done = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / line for line in done.stdout.splitlines()]


def test_modules_are_short_and_ruff_is_content():
    long = {
        p.name: n
        for p in ROOT.glob("jgm_lib/**/*.py")
        if (n := len(p.read_text().splitlines())) > 300
    }
    assert not long
    for command in (["check"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, check=True)


def test_no_pickle_and_no_unsafe_yaml_in_the_library():
    # weights_only reads tensors alone; the one file read so is known by its SHA-256
    bad = re.compile(
        r"torch\.load\((?!.*weights_only=True)|pickle\.load|allow_pickle=True|yaml\.load\(|yaml\.unsafe"
    )
    for path in [*ROOT.glob("jgm_lib/**/*.py"), *ROOT.glob("data_scripts/*.py")]:
        assert not bad.search(path.read_text()), path


def test_the_tree_holds_no_large_or_stray_files():
    for path in tracked():
        if path.is_file():
            limit = 16_000_000 if path.suffix == ".safetensors" else 1_500_000
            assert path.stat().st_size <= limit, path
            assert path.suffix not in (".part", ".npy", ".pyc"), path


def test_the_library_imports_neither_scripts_nor_course():
    """The command finds its data scripts by name; all else goes from them to the library."""
    pattern = re.compile(r"^\s*(?:from|import) (?:data_scripts|jgm_course|benchmarks)\b", re.M)
    files = sorted((ROOT / "jgm_lib").rglob("*.py"))
    assert len(files) > 50
    assert [str(p) for p in files if pattern.search(p.read_text(encoding="utf-8"))] == []


def test_workflows_ask_only_for_what_the_makefile_has():
    """And each job ends by itself and may only read, but where it publishes."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    paths = sorted((ROOT / ".github/workflows").glob("*.yml"))
    assert {p.name for p in paths} == {"ci.yml", "pages.yml", "weekly.yml"}
    for path in paths:
        flow = yaml.safe_load(path.read_text())
        assert flow["permissions"]["contents"] == "read"
        for job in flow["jobs"].values():
            assert job["timeout-minutes"] <= 350
            lines = " ".join(step.get("run", "") for step in job["steps"])
            assert set(re.findall(r"\bmake ([a-z-]+)", lines)) <= targets
