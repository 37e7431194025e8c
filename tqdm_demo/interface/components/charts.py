"""HTML fragments with figures: progress bars, tables, line charts. Texts are escaped here.

Colours come from the page's style sheets, so that charts follow light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tqdm_demo.vocabulary import Colour

# The chart's own units; it is scaled to the width that it is given.
_WIDTH, _HEIGHT = 640, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 16, 12, 58


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        title: for the legend.
        points: (x, y), both in the ranges of the chart.
    """

    title: str
    points: tuple[tuple[float, float], ...]


def progress(done: int, total: int, text: str) -> str:
    """How far something is, as a bar and a line of text."""
    return (
        f'<div class="progress"><progress value="{done}" max="{total}" '
        f'aria-label="{escape(text)}"></progress><span>{escape(text)} {done} of {total} done'
        "</span></div>"
    )


def line_chart(lines: Sequence[Line], x_title: str, y_title: str) -> str:
    """A chart of lines over x from 0 to 1 and y from 0 to 100 percent, as SVG with a legend.

    Args:
        lines: at most six; they are told apart by colour and by marks.
        x_title: below the axis.
        y_title: of the figure, for those who cannot see it and above the axis.
    """
    grid = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_y(y):.1f}" y2="{_y(y):.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{_y(y) + 4:.1f}" text-anchor="end">{y:.0f} %</text>'
        for y in (0, 25, 50, 75, 100)
    )
    ticks = "".join(
        f'<text x="{_x(x):.1f}" y="{_HEIGHT - 34}" text-anchor="middle">{x:g}</text>'
        for x in (0, 0.25, 0.5, 0.75, 1)
    )
    drawn = "".join(_draw(line, number) for number, line in enumerate(lines))
    legend = "".join(
        f'<li class="series-{number}"><i></i>{escape(line.title)}</li>'
        for number, line in enumerate(lines)
    )
    summary = "; ".join(
        f"{line.title}: " + ", ".join(f"{y:.0f} % at {x:g}" for x, y in line.points)
        for line in lines
    )
    return (
        f'<figure class="chart"><figcaption>{escape(y_title)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(summary)}">'
        f'<g class="grid">{grid}{ticks}<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" '
        f'y="{_HEIGHT - 8}" text-anchor="middle">{escape(x_title)}</text></g>{drawn}</svg>'
        f"<ul>{legend}</ul></figure>"
    )


def share_table(
    titles: Sequence[str],
    labels: Sequence[str],
    colours: Sequence[Colour],
    shares: Sequence[Sequence[float] | None],
    change: bool = False,
) -> str:
    """Every class's share of the picture, one column for each title; the largest classes first.

    Args:
        titles: heads of the columns.
        labels: K class names.
        colours: K RGB colours.
        shares: for every column K shares, 0 to 1; None = not known yet.
        change: whether a last column tells the change from the first column to the second, both
            known, in points.
    """
    largest = [max((s[k] for s in shares if s is not None), default=0) for k in range(len(labels))]
    order = sorted(range(len(labels)), key=lambda k: -largest[k])
    found = [k for k in order if largest[k] >= 0.0005]
    absent = [k for k in order if largest[k] < 0.0005]
    titles = [*titles, "Change"] if change else titles
    heads = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    rows = "".join(
        f'<tr><th scope="row">{chip(colours[k])}{escape(labels[k])}</th>'
        + "".join(_share(column, k, largest[order[0]]) for column in shares)
        + (_change(shares[1][k] - shares[0][k]) if change else "")
        + "</tr>"
        for k in found
    )
    rest = ", ".join(escape(labels[k]) for k in absent)
    return (
        '<table class="figures"><caption>Share of the picture</caption>'
        f'<thead><tr><th scope="col">Class</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        + (f'<p class="caption">Found by none: {rest}.</p>' if absent and found else "")
    )


def figure_table(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> str:
    """A plain table; the first column holds the rows' heads, and ``title`` stands above."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(text)}</td>" for text in row[1:])
        + "</tr>"
        for row in rows
    )
    if not rows:
        return ""
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    return (
        f'<table class="figures">{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def chip(colour: Colour) -> str:
    """A small square of a colour."""
    return f'<i class="grid-chip" style="background:rgb{tuple(colour)}"></i>'


def bar(level: float) -> str:
    """A bar below a figure; ``level`` -1 to 1, below 0 it has another colour."""
    side = " below" if level < 0 else ""
    return f'<i class="figure-bar{side}" style="width:{100 * min(abs(level), 1):.1f}%"></i>'


def percent(share: float | None) -> str:
    """A share, 0 to 1, in words; None is a dash."""
    return "–" if share is None else f"{100 * share:.1f} %"


def _share(column: Sequence[float] | None, k: int, top: float) -> str:
    if column is None:
        return "<td>…</td>"
    shown = percent(column[k]) if column[k] >= 0.0005 else "–"
    return f"<td><span>{shown}</span>{bar(column[k] / top if top else 0)}</td>"


def _change(difference: float) -> str:
    rounded = round(100 * difference, 1)
    points = f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"
    return f"<td><span>{points} points</span>{bar(difference)}</td>"


def _draw(line: Line, number: int) -> str:
    places = [(_x(x), _y(y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    marks = "".join(
        f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4.5"><title>{escape(line.title)}: {y:.1f} % at '
        f"strength {x:g}</title></circle>"
        for (px, py), (x, y) in zip(places, line.points, strict=True)
    )
    return f'<g class="series-{number}"><polyline points="{path}"/>{marks}</g>'


def _x(value: float) -> float:
    return _LEFT + value * (_WIDTH - _LEFT - _RIGHT)


def _y(percent: float) -> float:
    return _HEIGHT - _BOTTOM - percent / 100 * (_HEIGHT - _BOTTOM - _TOP)
