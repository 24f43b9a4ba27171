"""What is in the folders is in the distribution, and what is imported has one home."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("explain", "prompts", "data_engine", "serve", "eval")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
PATTERNS = SETUPTOOLS["package-data"]["*"]

# Package -> where it may be imported, as paths from the root; a folder stands for all in it.
HOMES = {
    "ai_edge_litert": ["explain/perception/litert.py"],
    "av": ["explain/perception/media.py", "explain/demo"],
    "feat": ["explain/perception/second_opinion.py"],
    "fastapi": ["serve/api.py", "serve/events.py", "serve/live.py"],
    "faster_whisper": ["explain/perception/asr.py"],
    "datasets": ["data_engine/trainers.py"],
    "httpx": ["serve/client.py"],
    "langchain_core": ["explain/reasoning/chain.py"],
    "langchain_openai": ["explain/reasoning/chain.py"],
    "llguidance": ["explain/reasoning/held.py"],
    "mediapipe": [],  # its files are used, the package is not
    "openpyxl": ["explain/corpora/files.py"],
    "opensmile": ["explain/perception/opensmile_voice.py"],
    "orjson": ["serve/packing.py"],
    "peft": ["explain/reasoning/local.py", "data_engine/bases.py"],
    "pyarrow": ["data_engine/rows.py"],
    "pydantic": ["serve/api.py", "serve/wire.py"],
    "python_multipart": ["serve/forms.py"],
    "pyvista": ["explain/demo"],
    "rich": ["serve"],
    "silero_vad": ["explain/perception/vad.py"],
    "streamlit": ["serve"],
    "trl": ["data_engine/trainers.py"],
    "typer": ["serve"],
    "uvicorn": ["serve/serving.py"],
    "vllm": [],  # a server of its own, driven over HTTP
}
# Loaded by the function that needs them, so that importing a module stays light.
INSIDE_FUNCTIONS = {
    "ai_edge_litert",
    "datasets",
    "faster_whisper",
    "feat",
    "langchain_core",
    "langchain_openai",
    "llguidance",
    "openai",
    "openpyxl",
    "opensmile",
    "pandas",
    "peft",
    "pyarrow",
    "pyvista",
    "torch",
    "transformers",
    "trl",
}
_MAY_LOAD_AT_ONCE = {  # a reader of tables is pandas, a pass through a network torch
    "explain/reasoning/llama.py": {"torch"},
    "data_engine/mini/muon.py": {"torch"},
    "explain/perception/imported.py": {"pandas"},
    "explain/perception/other_programs.py": {"pandas"},
}


def modules() -> list[Path]:
    return sorted(p for part in PARTS for p in (ROOT / part).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST) -> Iterator[str]:
    """Names of the modules that a syntax tree imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def at_once(tree: ast.Module) -> Iterator[str]:
    """Those that are imported as soon as the module is, TYPE_CHECKING blocks left out."""
    for node in tree.body:
        checking = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if not checking and not isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from imported(node)


@pytest.fixture(scope="module")
def trees():
    return {name(path): ast.parse(path.read_text("utf-8")) for path in modules()}


# The distribution -----------------------------------------------------------------------------


def test_every_folder_with_code_is_a_package_of_the_distribution_and_vice_versa():
    folders = {
        "demeanor." + path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for path in modules()
    }
    assert folders == set(SETUPTOOLS["packages"])


def test_every_package_has_an_init():
    for package in SETUPTOOLS["packages"]:
        folder = ROOT / package.removeprefix("demeanor.").replace(".", "/")
        assert (folder / "__init__.py").is_file(), package


def test_each_of_the_five_folders_is_mapped():
    wanted = {f"demeanor.{part}": part for part in PARTS}
    assert SETUPTOOLS["package-dir"] == wanted


def test_every_file_that_is_no_code_is_taken_along():
    for part in PARTS:
        for path in (ROOT / part).rglob("*"):
            if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts:
                assert any(matches(path, pattern) for pattern in PATTERNS), name(path)


def matches(path: Path, pattern: str) -> bool:
    """`**/*.yaml` takes along any depth of folder below a package, and the package itself."""
    return PurePosixPath(path.name).match(pattern.removeprefix("**/"))


def test_every_pattern_takes_something_along():
    files = [p for part in PARTS for p in (ROOT / part).rglob("*") if p.suffix != ".py"]
    for pattern in PATTERNS:
        assert any(matches(path, pattern) for path in files), pattern


def test_extras_name_only_extras_there_are():
    extras = PROJECT["project"]["optional-dependencies"]
    own = [r for rows in extras.values() for r in rows if r.startswith("demeanor[")]
    for row in own:
        assert set(row.removeprefix("demeanor[").removesuffix("]").split(",")) <= set(extras)


def test_the_version_is_told_once():
    import demeanor.explain

    assert demeanor.explain.__version__ == PROJECT["project"]["version"]


# Imports --------------------------------------------------------------------------------------


def test_one_file_has_one_name(trees):
    for path, tree in trees.items():
        bare = {module.split(".")[0] for module in imported(tree)} & set(PARTS)
        assert not bare, f"{path} imports {bare} without demeanor."


@pytest.mark.parametrize("package", HOMES)
def test_a_package_is_imported_in_its_home_alone(trees, package):
    users = [p for p, tree in trees.items() if package in tops(imported(tree))]
    strays = [p for p in users if not any(lives_in(p, home) for home in HOMES[package])]
    assert strays == []


def tops(names: Iterator[str]) -> set[str]:
    return {n.split(".")[0] for n in names}


def lives_in(path: str, home: str) -> bool:
    return path == home or path.startswith(home + "/")


def test_heavy_packages_are_loaded_where_they_are_used(trees):
    for path, tree in trees.items():
        loaded = tops(at_once(tree)) & INSIDE_FUNCTIONS - _MAY_LOAD_AT_ONCE.get(path, set())
        assert not loaded, f"{path} loads {loaded} on import"


# Perception knows no emotions, textualization no models, reasoning no files.
STAGES = ("perception", "textualization", "reasoning", "corpora")


@pytest.mark.parametrize("stage", STAGES)
def test_stages_do_not_import_one_another(trees, stage):
    others = tuple(f"demeanor.explain.{other}" for other in STAGES if other != stage)
    for path, tree in trees.items():
        if path.startswith(f"explain/{stage}/"):
            strays = [m for m in imported(tree) if m.startswith(others)]
            assert not strays, f"{path} imports {strays}"


def test_no_module_carries_a_dependency_s_name():
    """Streamlit puts its folder first on the path: serve/vllm.py would be `import vllm`."""
    names = {path.stem for path in (ROOT / "serve").glob("*.py")}
    assert names.isdisjoint(HOMES)


@pytest.mark.parametrize("call", ["print(", "logging.basicConfig", "os.environ[", "warnings."])
def test_importing_the_package_sets_and_prints_nothing(trees, call):
    for path, tree in trees.items():
        if path.startswith("explain/"):
            assert not any(call in line for line in statements(tree)), path


def statements(tree: ast.Module) -> list[str]:
    """What a module does on import, besides defining and documenting."""
    does = [n for n in tree.body if isinstance(n, ast.Expr | ast.Assign | ast.AugAssign)]
    return [
        ast.unparse(n)
        for n in does
        if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
    ]
