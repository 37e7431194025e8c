"""The paper's quantitative table beside our own: two scales, two tables, never one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tqdm_demo.checkpoints.sources import Description

# As the paper reports it, mIoU in percent, no test-time augmentation: method, backbone, trained on
# GTA5 (Cityscapes, BDD100K, Mapillary), trained on Cityscapes (BDD100K, Mapillary). arXiv
# 2407.09033, table of the main results.
PAPER: tuple[tuple[str, str, tuple[float | None, ...]], ...] = (
    ("SAN-SAW", "RN101", (45.33, 41.18, 40.77, 54.73, 61.27)),
    ("WildNet", "RN101", (45.79, 41.73, 47.08, 47.01, 50.94)),
    ("SHADE", "RN101", (46.66, 43.66, 45.50, 50.95, 60.67)),
    ("TLDR", "RN101", (47.58, 44.88, 48.80, None, None)),
    ("FAMix", "CLIP RN101", (49.47, 46.40, 51.97, None, None)),
    ("SHADE", "MiT-B5", (53.27, 48.19, 54.99, None, None)),
    ("IBAFormer", "MiT-B5", (56.34, 49.76, 58.26, None, None)),
    ("VLTSeg", "CLIP ViT-B", (47.50, 45.70, 54.30, None, None)),
    ("tqdm", "CLIP ViT-B/16", (57.50, 47.66, 59.76, 50.54, 65.74)),
    ("HGFormer", "Swin-L", (None, None, None, 61.50, 72.10)),
    ("VLTSeg", "EVA02-L", (65.60, 58.40, 66.50, 64.40, 76.40)),
    ("Rein", "EVA02-L", (65.30, 60.50, 64.90, 64.10, 69.50)),
    ("Rein", "DINOv2 ViT-L", (66.40, 60.40, 66.10, 65.00, 72.30)),
    ("tqdm", "EVA02-CLIP-L", (68.88, 59.18, 70.10, 64.72, 76.15)),
)
PAPER_HEADS = (
    "GTA5 → Cityscapes",
    "→ BDD100K",
    "→ Mapillary",
    "Cityscapes → BDD100K",
    "→ Mapillary",
)
# A narrow screen scrolls what is wider: also with keys, hence the tabindex.
SCROLL = '<div class="scroll" tabindex="0" role="region" aria-label="Table">'
MARKS = {"CLIP": "◆", "EVA": "●", "DINO": "▲"}
# Unseen domains, mIoU against the same training with all three; from the ablation in
# evaluation/README.md (three seeds, mean ± standard deviation).
REGULARISERS = (
    ("textual", "text vectors keep their meaning", "+0.1 ± 0.0", "frozen tower"),
    ("pixel-text", "pixels stay near their class's text", "-0.1 ± 0.1", "frozen tower"),
    ("visual", "the picture's embedding stays as CLIP had it", "-2.3 ± 0.5", "tower learns"),
)
# (heading, data set, models): what the bundle has recorded.
OURS = (
    (
        ("drawn, seen", "streets:game"),
        ("drawn, unseen", "unseen"),
        ("drawn, held out", "held-out"),
        ("a real drive at dusk", "folder:camvid:train:include=0001TP*"),
    ),
    (
        ("photographs", "folder:photos:val"),
        ("painterly filters", "painterly"),
        ("weather and light", "conditions"),
    ),
)


def paper_table() -> str:
    """The paper's figures: best bold, second underlined, backbones marked."""
    rows = [
        (f"{name} <small>{_mark(backbone)} {escape(backbone)}</small>", figures)
        for name, backbone, figures in PAPER
    ]
    marks = "◆ CLIP, ● EVA-CLIP, ▲ DINOv2"
    return (
        "<section><h3>What the paper reports</h3><p>Full-size models on real streets, mIoU in "
        "percent, measured by the authors; nothing of it was measured here. Best in bold, second "
        f"underlined. {marks}. VLTSeg’s figures from Cityscapes are of 1024 × 1024 pixels.</p>"
        f"{_table(('method', *PAPER_HEADS), rows, 2)}</section>"
    )


def own_tables(entries: Sequence[Description]) -> str:
    """What the bundle's models have recorded, and the regularisers' effect."""
    tables = []
    for columns in OURS:
        rows = []
        for entry in entries:
            found = dict(entry.measured)
            figures = tuple(found.get(key) for _, key in columns)
            # One figure of another table's pictures is no row.
            if figures[0] is not None:
                rows.append((escape(entry.title), figures))
        if rows:
            tables.append(_table(("model", *(head for head, _ in columns)), rows, 1))
    effects = "".join(
        f'<tr><th scope="row">{name}</th><td>{meaning}</td><td>{effect}</td><td>{where}</td></tr>'
        for name, meaning, effect, where in REGULARISERS
    )
    return (
        "<section><h3>What we measured of the models here</h3><p>Tiny models on drawn streets and "
        "on photographs, mIoU in percent: another scale, not to be compared with the paper’s. "
        "With frozen towers, as here, textual and learned queries are about level; where towers "
        "learn, the published recipe leads from photographs to paintings, not on drawn streets."
        f"</p>{''.join(tables)}<h3>What each regulariser does</h3><p>Unseen drawings, change of "
        "mIoU when it is left out: only a tower that learns needs one here.</p>"
        f'{SCROLL}<table class="m-words"><thead><tr><th scope="col">regulariser</th>'
        '<th scope="col">what for</th><th scope="col">left out</th><th scope="col">where</th></tr>'
        f"</thead><tbody>{effects}</tbody></table></div></section>"
    )


def _mark(backbone: str) -> str:
    kind = "EVA" if backbone.startswith("EVA") else backbone.split()[0]
    return MARKS.get("DINO" if kind.startswith("DINO") else kind, "")


def _table(
    heads: Sequence[str], rows: Sequence[tuple[str, tuple[float | None, ...]]], digits: int
) -> str:
    """Rows of figures; in every column the best is bold and the second underlined."""
    ranked = []
    for column in zip(*(figures for _, figures in rows), strict=True):
        values = sorted({round(v, digits) for v in column if v is not None}, reverse=True)
        ranked.append((*values[:2], None, None))
    body = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(_figure(v, best, digits) for v, best in zip(figures, ranked, strict=True))
        + "</tr>"
        for name, figures in rows
    )
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    return f"{SCROLL}<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def _figure(value: float | None, best: Sequence[float | None], digits: int) -> str:
    if value is None:
        return "<td>–</td>"
    text = f"{value:.{digits}f}"
    if round(value, digits) == best[0]:
        return f"<td><b>{text}</b></td>"
    return f"<td><u>{text}</u></td>" if round(value, digits) == best[1] else f"<td>{text}</td>"
