"""Results of an evaluation as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tqdm_demo.data.selection import FILTER_GROUPS
from tqdm_demo.data.specs import STREETS, Spec, split_specs
from tqdm_demo.streets.domains import HELD_OUT, SOURCE
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

# Model -> specification of a data set -> figures, see scoring.Measured.
Results = dict[str, dict[str, dict]]


def format_table(results: Results) -> str:
    """mIoU per model (row) and data set (column), and the means of :func:`spec_groups`."""
    specs = list(next(iter(results.values())))
    groups = spec_groups(specs)
    sixteen = [s for s in specs if any("miou_16" in by_spec[s] for by_spec in results.values())]
    head = [
        "mIoU %",
        *map(heading, specs),
        *groups,
        *(f"{heading(s)}, 16 classes" for s in sixteen),
    ]
    rows = []
    for model, by_spec in results.items():
        cells = [by_spec[spec]["miou"] for spec in specs]
        cells += [mean_miou(by_spec, group) for group in groups.values()]
        cells += [by_spec[spec].get("miou_16") for spec in sixteen]
        rows.append([model, *map(_percent, cells)])
    return _markdown(head, rows)


def format_classes(results: Results) -> str:
    """IoU of every class (row) for every model and data set (column)."""
    columns = [(model, spec) for model, by_spec in results.items() for spec in by_spec]
    head = ["IoU %", *(f"{model} on {heading(spec)}" for model, spec in columns)]
    rows = []
    named = dict.fromkeys(name for model, spec in columns for name in results[model][spec]["iou"])
    shared = [name for name in CITYSCAPES_NAMES if name in named]
    for name in dict.fromkeys([*shared, *named]):
        values = [results[model][spec]["iou"].get(name) for model, spec in columns]
        rows.append([name, *map(_percent, values)])
    means = (results[model][spec]["miou"] for model, spec in columns)
    return _markdown(head, [*rows, ["**mean**", *map(_percent, means)]])


def format_notes(results: Results) -> str:
    """What must be known to read the figures: pictures, classes, windows, mappings, omissions."""
    lines = []
    for spec, found in next(iter(results.values())).items():
        parts = [f"{found['pictures']} pictures", f"mean over {found['classes']} labelled classes"]
        modes = {by_spec[spec]["mode"] for by_spec in results.values()}
        parts.append("read " + " / ".join(sorted(modes)))
        if found.get("asked") == "labelled":
            parts.append("the arg-max is over these classes alone")
        right = (by_spec[spec].get("pixels") for by_spec in results.values())
        parts.append(f"right pixels: {' / '.join(map(_percent, right))} %")
        if "mapping" in found:
            parts.append(f"labels: {found['mapping']}")
        if "skipped" in found:
            parts.append(
                f"{len(found['skipped'])} pictures left out: {', '.join(found['skipped'])}"
            )
        lines.append(f"- {spec}: {'; '.join(parts)}")
    return "\n".join(lines)


def heading(spec: str) -> str:
    """A short name of a data set: the domain of streets, a folder's name, a set and its options."""
    (part,) = split_specs(spec)
    if part.kind == STREETS:
        return part.place
    name = part.short_place if part.kind == "folder" else part.kind
    return " ".join([name, *part.words, *(_short(*setting) for setting in part.settings)])


def _short(name: str, value: str) -> str:
    return value if name in ("include", "filter") else f"{name} {value}"


def mean_miou(by_spec: Mapping[str, Mapping], group: Iterable[str]) -> float:
    """The mean of the mIoU of some data sets, in percent."""
    return float(np.mean([by_spec[spec]["miou"] for spec in group]))


def spec_groups(specs: Iterable[str]) -> dict[str, list[str]]:
    """Specifications whose mean is of interest, by a name for them; none is empty.

    Of streets these are the unseen domains, and those that were held out of everything; of pictures
    on disk the two kinds of filters, where all domains of a kind are there. Where several sets are
    filtered, the group is named after its set too.
    """
    parts = {spec: split_specs(spec)[0] for spec in specs}
    domains = {spec: part.place for spec, part in parts.items() if part.kind == STREETS}
    groups = {
        "unseen": [spec for spec, domain in domains.items() if domain != SOURCE],
        "held-out": [spec for spec, domain in domains.items() if domain in HELD_OUT],
    }
    by_set: dict[Spec, dict[str, str]] = {}
    for spec, part in parts.items():
        for domain in part.values("filter"):
            by_set.setdefault(part.with_setting("filter", None), {})[domain] = spec
    for part, found in by_set.items():
        for name, wanted in FILTER_GROUPS.items():
            if set(wanted) <= set(found):
                title = name if len(by_set) == 1 else f"{heading(str(part))} {name}"
                groups[title] = [found[domain] for domain in wanted]
    return {name: group for name, group in groups.items() if group}


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rows = [head, *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "| "
        + " | ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in rows
    ]
    rule = "|".join("-" * (width + 1) + ("-" if not n else ":") for n, width in enumerate(widths))
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])
