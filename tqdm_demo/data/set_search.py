"""Finds the pictures and labels of a data set on disk, and reports what is missing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm_demo.data.file_source import FileSource, PictureFiles
from tqdm_demo.data.id_tables import MAPILLARY_MAPPINGS, mapillary_table, own_table
from tqdm_demo.data.own_classes import CLASSES_FILE, read_class_names
from tqdm_demo.data.selection import select_names
from tqdm_demo.data.set_layouts import KINDS, MAPILLARY_V12, MAPILLARY_V20, Layout, SetKind
from tqdm_demo.data.specs import Spec
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

_VERSIONS = (MAPILLARY_V12, MAPILLARY_V20)
_SHOWN = 3  # names of files that a report lists


@dataclass(frozen=True)
class _Request:
    """What of a set is wanted.

    Attributes:
        kind: the set.
        split: its name, for reports.
        folders: of the split, in the order in which they are tried.
        parts: conditions.
        layouts: that may be used.
        mapping: of Mapillary's ids.
    """

    kind: SetKind
    split: str
    folders: tuple[str, ...]
    parts: tuple[str, ...]
    layouts: tuple[Layout, ...]
    mapping: str


def find_set(spec: Spec, split: str = "val") -> FileSource:
    """Finds the pictures of a set.

    Args:
        spec: kind (a key of :data:`tqdm_demo.data.set_layouts.KINDS`), folder, words (a split, a
            condition, a mapping, a version), and which pictures; its filter is not looked at.
        split: where no split is among the words.

    Raises:
        ValueError: an unknown option, no labelled picture (the text then is a report of what was
            looked for, what was found and how to get the set), or none that is asked for.
    """
    root = Path(spec.place)
    own = read_class_names(root) if spec.kind == "folder" else None
    request = _read_request(spec, split, own)
    for base in dict.fromkeys((root, root / request.kind.inside)):
        for layout in request.layouts:
            for folder in _folders(base, layout, request):
                files, unlabelled = _find_pairs(base, layout, folder, request)
                if files:
                    head = f"{spec.kind}: {base}"
                    report = _report(head, request, layout, folder, files, sorted(unlabelled))
                    found = FileSource(str(spec), spec.kind, tuple(files), unlabelled, report,
                                       own or CITYSCAPES_NAMES)  # fmt: skip
                    return _select(found, spec)
    raise ValueError(_report_nothing(spec, root, request))


def _select(source: FileSource, spec: Spec) -> FileSource:
    """The pictures that the specification takes, in the order of their names."""
    by_name = {file.name: file for file in source.files}
    taken = dict.fromkeys(select_names(spec, [*by_name, *source.unlabelled]))
    files = tuple(by_name[name] for name in taken if name in by_name)
    report = source.report
    if len(files) < len(by_name):
        report += f"\n  taken: {len(files):,} of them, as {spec} asks"
    if source.names is not CITYSCAPES_NAMES:
        report += f"\n  classes: {len(source.names)} of {CLASSES_FILE}"
    unlabelled = tuple(name for name in taken if name not in by_name)
    return replace(source, files=files, unlabelled=unlabelled, report=report)


def _read_request(spec: Spec, split: str, own: Sequence[str] | None) -> _Request:
    """``own``: class names of a folder set that has its own."""
    name, kind = spec.kind, KINDS[spec.kind]
    if name == "folder":
        if len(spec.words) > 1:
            raise ValueError(f"{spec} names {len(spec.words)} splits; it takes one folder below "
                             "images/")  # fmt: skip
        layouts = kind.layouts
        if own:
            endings = tuple((ending, own_table(own)) for la in layouts
                            for ending, _ in la.label_endings)  # fmt: skip
            layouts = tuple(replace(layout, label_endings=endings) for layout in layouts)
        asked = "".join(spec.words)
        return _Request(kind, asked or "all", (asked,), ("",), layouts, "")
    mapillary = name == "mapillary"
    known = {
        "split": tuple(kind.splits),
        "condition": kind.parts if kind.parts != ("",) else (),
        "mapping": MAPILLARY_MAPPINGS if mapillary else (),
        "version": _VERSIONS if mapillary else (),
    }
    chosen: dict[str, str] = {}
    for option in spec.words:
        sort = next((sort for sort, words in known.items() if option in words), None)
        if sort is None or sort in chosen:
            words = "; ".join(f"{s}: {', '.join(w)}" for s, w in known.items() if w)
            raise ValueError(f"{option!r} in '{spec}' is not understood; {name} takes one {words}")
        chosen[sort] = option
    asked = chosen.get("split", split)
    folders = kind.splits[asked]
    if kind.flat and "split" not in chosen:
        folders = (*folders, "")
    parts = (chosen["condition"],) if "condition" in chosen else kind.parts
    layouts = kind.layouts
    if "version" in chosen:
        layouts = tuple(la for la in layouts if la.label_endings[0][1] == chosen["version"])
    elif "mapping" in chosen:  # of converted files nobody knows it
        layouts = tuple(la for la in layouts if la.label_endings[0][1] in _VERSIONS)
    mapping = chosen.get("mapping", MAPILLARY_MAPPINGS[0])
    return _Request(kind, asked, folders, parts, layouts, mapping)


def _folders(base: Path, layout: Layout, request: _Request) -> Iterator[str]:
    """The folders of the split to try; all pictures only where there are no splits at all."""
    for folder in request.folders:
        splits = (f for names in request.kind.splits.values() for f in names if f)
        divided = any((base / layout.images.format(split=f, part="")).is_dir() for f in splits)
        if folder or len(request.folders) == 1 or not divided:
            yield folder


def _find_pairs(
    base: Path, layout: Layout, folder: str, request: _Request
) -> tuple[list[PictureFiles], list[str]]:
    """Pictures with labels, and the names of those without."""
    tables = {
        version: mapillary_table(base, version, request.mapping)
        for _, version in layout.label_endings
        if version in _VERSIONS and (base / layout.labels.format(split=folder)).is_dir()
    }
    files, unlabelled = [], []
    for part in request.parts:
        images = base / layout.images.format(split=folder, part=part)
        labels = base / layout.labels.format(split=folder, part=part)
        present = _by_stem(labels, [ending for ending, _ in layout.label_endings])
        for name in _listing(images):
            ending = _ending(name, layout.image_endings)
            if ending is None:
                continue
            shown = f"{part}/{name}" if part else name
            stem = name[: -len(ending)]
            for label_ending, table in layout.label_endings:
                found = present.get((stem, label_ending))
                if found is not None:
                    table = tables[table] if isinstance(table, str) else table
                    files.append(PictureFiles(shown, images / name, labels / found, table))
                    break
            else:
                unlabelled.append(shown)
    return files, unlabelled


def _ending(name: str, endings: Sequence[str]) -> str | None:
    fitting = [ending for ending in endings if name.lower().endswith(ending.lower())]
    return max(fitting, key=len, default=None)


def _by_stem(folder: Path, endings: Sequence[str]) -> dict[tuple[str, str], str]:
    """The files below a folder by what stands before an ending, and the ending."""
    found: dict[tuple[str, str], str] = {}
    for name in sorted(_listing(folder)):
        for ending in endings:
            key = (name[: -len(ending)], ending)
            # Capitals of an ending make no difference, but the very same one comes first.
            if name.endswith(ending) or (
                name.lower().endswith(ending.lower()) and key not in found
            ):
                found[key] = name
    return found


def _listing(folder: Path) -> Iterator[str]:
    """All files below a folder, as paths relative to it with ``/``.

    Without those that macOS puts beside files on other systems' disks: "._" and the file's name.
    """
    for place, _, names in os.walk(folder, followlinks=True):
        relative = Path(place).relative_to(folder)
        yield from ((relative / n).as_posix() for n in names if not n.startswith("._"))


def _report(
    head: str,
    request: _Request,
    layout: Layout,
    folder: str,
    files: Sequence[PictureFiles],
    unlabelled: Sequence[str],
) -> str:
    kind = request.kind
    places = (layout.images, layout.labels)
    images, labels = (_place(place, folder, request.parts) for place in places)
    whole = kind.expected.get(request.split if folder else "all")
    lines = [
        f"{head}: {kind.title}, {'all pictures' if not folder else 'split ' + request.split}",
        f"  found: {len(files):,} pictures with labels in {images} and {labels}",
    ]
    for table, count in Counter(file.table.name for file in files).items():
        lines.append(f"  labels: {count:,} files of {table}")
    if unlabelled:
        lines.append(f"  missing: labels of {len(unlabelled):,} pictures: {_some(unlabelled)}")
    if whole and request.parts == kind.parts and len(files) != whole:
        lines.append(f"  note: the published set has {whole:,} labelled pictures here")
    return "\n".join(lines)


def _report_nothing(spec: Spec, root: Path, request: _Request) -> str:
    lines = [
        f"no labelled pictures of {request.kind.title} in {root} (asked for: {spec}, split "
        f"{request.split})"
    ]
    if not root.is_dir():
        lines.append(f"  missing: the folder {root}")
    inside = root / request.kind.inside
    prefixes = ["", f"{request.kind.inside}/"] if request.kind.inside and inside.is_dir() else [""]
    seen = set()
    for layout in request.layouts:
        for folder in request.folders:
            images = _place(layout.images, folder, request.parts)
            labels = _place(layout.labels, folder, request.parts)
            endings = " or ".join(f"*{ending}" for ending, _ in layout.label_endings)
            lines.append(f"  looked for: {images}*{layout.image_endings[0]} with {labels}{endings}")
            for place, pattern in ((images, layout.images), (labels, layout.labels)):
                if place not in seen:
                    seen.add(place)
                    for prefix in prefixes:
                        state = _state(root / prefix, pattern, folder, request.parts)
                        lines.append(f"    {prefix}{place}: {state}")
    lines.append(f"  get it: {request.kind.advice}")
    return "\n".join(lines)


def _state(root: Path, pattern: str, folder: str, parts: Sequence[str]) -> str:
    folders = [root / pattern.format(split=folder, part=part) for part in parts]
    if not any(place.is_dir() for place in folders):
        return "there is no such folder"
    return f"{sum(1 for place in folders for _ in _listing(place)):,} files"


def _place(pattern: str, folder: str, parts: Sequence[str]) -> str:
    place = pattern.format(split=folder, part="{" + ",".join(parts) + "}")
    return place.rstrip("/") + "/"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
