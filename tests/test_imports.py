"""Which module may import which: the floor plan, checked by reading the imports."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "tqdm_demo"
PROGRAMS = {
    *("segment", "pretrain", "train", "ablate", "evaluate"),
    *("convert", "publish", "benchmark"),
}
# The floors, top to bottom. A package may import its own modules, its neighbours on the same
# floor, and everything below; test_there_are_no_cycles keeps neighbours from forming circles.
FLOORS = (
    {"app", "space_files", *PROGRAMS},
    {"evaluation", "training", "pretraining", "interface"},
    {"data", "inference"},
    {"checkpoints"},
    {"systems"},
    {"model", "streets"},
    {
        *("config", "config_json", "rival_config", "presets", "vocabulary", "class_list"),
        *("console", "devices", "atomic_files"),
    },
)
FLOOR = {package: number for number, floor in enumerate(FLOORS) for package in floor}
# Of its neighbours and of what lies far below, the page needs this much and no more.
INTERFACE_MAY = {
    "inference",
    "checkpoints.sources",
    "checkpoints.loading",
    "checkpoints.published.store",  # the option that names its folder
    "streets.domains",
    "devices",
    "vocabulary",
    "class_list",
}
# What a visitor of the page never needs.
NOT_SERVED = {"training", "pretraining", "evaluation", "data", *PROGRAMS}


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
    package, target = module.split(".")[0], other.split(".")[0]
    if package == "interface" and target != "interface":
        # "streets.domains" allows that module alone, and the package that holds it.
        return any(
            other == a or other.startswith(f"{a}.") or a.startswith(f"{other}.")
            for a in INTERFACE_MAY
        )
    if target == "interface":
        return package in ("interface", "app")
    return FLOOR[package] <= FLOOR[target]


def reached_from(module: str) -> set[str]:
    known, seen, queue = set(modules()), set(), [module]
    while queue:
        current = queue.pop()
        for other in imported(current) & known - seen:
            seen.add(other)
            queue.append(other)
    return seen


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_its_package_may(module):
    own = imported(module) & set(modules())
    assert {other for other in own if not may_import(module, other)} == set()


@pytest.mark.parametrize("module", modules())
def test_gradio_is_met_in_the_interface_only(module):
    if module.split(".")[0] not in ("app", "interface"):
        assert "gradio" not in imported(module)


def test_rendering_and_the_streets_need_no_torch():
    for module in modules():
        if module.split(".")[0] in ("vocabulary", "streets") or module == "inference.rendering":
            assert "torch" not in imported(module), module


def test_the_page_never_reaches_training():
    assert not {m for m in reached_from("app") if m.split(".")[0] in NOT_SERVED}
    assert "model.segmenter" in reached_from("app")


def test_losses_and_data_sets_do_not_know_each_other():
    assert not {m for m in imported("training.losses") if m.startswith("data.")}
    assert "training.losses" not in imported("data.datasets")


def test_there_are_no_cycles():
    for module in modules():
        assert module not in reached_from(module), module


def test_the_checker_sees_a_forbidden_import():
    assert not may_import("model.layers", "inference.preprocessing")
    assert not may_import("interface.page", "streets.painter")
    assert not may_import("inference.predictor", "interface.page")
    assert not may_import("train", "interface.page")
    assert may_import("interface.page", "streets.domains")
    assert may_import("training.loop", "data.crops")


def test_every_module_has_its_floor():
    assert {m.split(".")[0] for m in modules()} == set(FLOOR)
