"""Who may import whom: the plan of the house, checked by reading the imports."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "tqdm_demo"
PROGRAMS = {"pretrain", "train", "ablate", "evaluate", "convert", "publish", "benchmark"}
LIBRARY = {"vocabulary", "preprocessing", "config"}
# Room -> the rooms whose modules it may import. A room may always import its own modules.
ALLOWED = {
    "app": {"interface", "predictor", "checkpoint", "config"},
    "interface": {
        "predictor",
        "sources",
        "stages",
        "devices",
        "preprocessing",
        "rendering",
        "measures",
        "vocabulary",
        "class_list",
        "cache",
        "streets.domains",
    },
    "predictor": {
        "look",
        "similarity",
        "trained",
        "stages",
        "sources",
        "devices",
        "cache",
        *LIBRARY,
    },
    "look": {"model", "similarity", "trained", "cache", "windows", "preprocessing"},
    "stages": {"similarity", "trained", "vocabulary"},
    "measures": set(),
    "sources": {"checkpoint", "clips", "hub", "model", "similarity", "trained"},
    "clips": {"hub"},
    "hub": set(),
    "windows": set(),
    "devices": set(),
    "trained": {"model", "similarity"},
    "similarity": {"model", "vocabulary"},
    "rendering": {"vocabulary"},
    "checkpoint": {"model", "config"},
    "model": {"config"},
    "streets": {"vocabulary"},
    "training": {"model", "streets", "windows", "similarity", *LIBRARY},
    "published": {"key_map", "checkpoint", "model", "config", "vocabulary"},
    "key_map": set(),
    "tensor_file": set(),
    "card": set(),
    "presets": {"published", "config", "vocabulary"},
    "vocabulary": set(),
    "class_list": {"vocabulary"},
    "preprocessing": set(),
    "cache": set(),
    "config": set(),
}
PROGRAM_MAY = {
    "training", "streets", "model", "checkpoint", "predictor", "sources", "devices", "similarity",
    "convert",
    "presets", "clips", "published", "key_map", "tensor_file", "card",
    *LIBRARY,
}  # fmt: skip


@cache
def modules() -> list[str]:
    """Dotted names of all modules, without the package: ``interface.page``, and ``app``."""
    paths = sorted((ROOT / PACKAGE).rglob("*.py"))
    names = [".".join(p.relative_to(ROOT / PACKAGE).with_suffix("").parts) for p in paths]
    return ["app", *(n.removesuffix(".__init__") for n in names if n != "__init__")]


def path_of(module: str) -> Path:
    if module == "app":
        return ROOT / "app.py"
    path = ROOT / PACKAGE / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def imported(module: str) -> set[str]:
    """What a module imports: modules of the package without its name, others by top name."""
    found = set()
    for node in ast.walk(ast.parse(path_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            for alias in node.names:
                # "from package import module" imports the module, other names their own home.
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner.removeprefix(f"{PACKAGE}.") in modules() else node.module)
    own = {n.removeprefix(f"{PACKAGE}.") for n in found if n.startswith(f"{PACKAGE}.")}
    return own | {n.split(".")[0] for n in found if n.split(".")[0] != PACKAGE}


def may_import(module: str, other: str) -> bool:
    room, target = module.split(".")[0], other.split(".")[0]
    if room == target:
        return True
    allowed = PROGRAM_MAY if room in PROGRAMS else ALLOWED[room]
    # "streets.domains" allows that module alone, and the package that holds it.
    return any(
        other == a or other.startswith(f"{a}.") or a.startswith(f"{other}.") for a in allowed
    )


def reached_from(module: str) -> set[str]:
    known, seen, queue = set(modules()), set(), [module]
    while queue:
        current = queue.pop()
        for other in imported(current) & known - seen:
            seen.add(other)
            queue.append(other)
    return seen


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_its_room_may(module):
    own = imported(module) & set(modules())
    assert {other for other in own if not may_import(module, other)} == set()


@pytest.mark.parametrize("module", modules())
def test_gradio_is_met_in_the_interface_only(module):
    if module.split(".")[0] not in ("app", "interface"):
        assert "gradio" not in imported(module)


def test_rendering_and_the_streets_need_no_torch():
    for module in modules():
        if module.split(".")[0] in ("rendering", "vocabulary", "streets"):
            assert "torch" not in imported(module), module


def test_the_page_never_reaches_training():
    assert not {m for m in reached_from("app") if m.split(".")[0] in {"training", *PROGRAMS}}
    assert "model.segmenter" in reached_from("app")


def test_losses_and_data_sets_do_not_know_each_other():
    assert not {m for m in imported("training.losses") if "dataset" in m or "pool" in m}
    assert "training.losses" not in imported("training.datasets")


def test_there_are_no_cycles():
    for module in modules():
        assert module not in reached_from(module), module


def test_the_checker_sees_a_forbidden_import():
    assert not may_import("model.layers", "preprocessing")
    assert not may_import("interface.page", "streets.painter")
    assert may_import("interface.page", "streets.domains")
    assert not may_import("rendering", "predictor")
