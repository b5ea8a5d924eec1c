"""Small plots as inline SVG, so that the report needs neither a library nor a network."""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

WIDE, HIGH, LEFT, FOOT = 560, 320, 60, 44
LEAST = 1e-3  # a logarithmic axis begins here: 0 is drawn at its left end


def scatter(points: Sequence[tuple[str, float, float]], *, across: str, up: str) -> str:
    """Methods as named points: harm across (logarithmic, less is left), good up."""
    if not points:
        return ""
    xs = [math.log10(max(x, LEAST)) for _, x, _ in points]
    low, high = math.floor(min(xs)), max(math.ceil(max(xs)), math.floor(min(xs)) + 1)
    top = max(max(y for _, _, y in points) * 1.08, 1e-9)

    def placed(x: float, y: float) -> tuple[float, float]:
        column = LEFT + (math.log10(max(x, LEAST)) - low) / (high - low) * (WIDE - LEFT - 90)
        return column, HIGH - FOOT - max(y, 0) / top * (HIGH - FOOT - 16)

    parts = [axes(across, up)]
    for power in range(low, high + 1):
        column, _ = placed(10.0**power, 0)
        parts.append(text(column, HIGH - FOOT + 16, f"{10.0**power:g}", anchor="middle"))
    for step in range(5):
        _, row = placed(1, top * step / 4)
        parts.append(text(LEFT - 6, row + 4, f"{top * step / 4:.2g}", anchor="end"))
    for name, x, y in points:
        column, row = placed(x, y)
        parts.append(f'<circle cx="{column:.1f}" cy="{row:.1f}" r="4" fill="#2b6cb0"/>' + text(column + 7, row + 4, name))
    return svg(parts, f"{up} against {across}")


def bars(values: Sequence[tuple[str, float]], *, title: str) -> str:
    """Methods as bars, one under another."""
    if not values:
        return ""
    top = max(value for _, value in values) or 1.0
    step = min(26, (HIGH - 30) / len(values))
    parts = [text(LEFT + 80, 16, title)]
    for place, (name, value) in enumerate(values):
        row = 28 + place * step
        length = value / top * (WIDE - LEFT - 170)
        parts.append(text(LEFT + 74, row + step * 0.65, name, anchor="end"))
        parts.append(f'<rect x="{LEFT + 80}" y="{row:.1f}" width="{max(length, 1):.1f}" height="{step * 0.7:.1f}" fill="#2b6cb0"/>')
        parts.append(text(LEFT + 86 + length, row + step * 0.65, f"{value:.2f}"))
    return svg(parts, title)


def axes(across: str, up: str) -> str:
    """Two axes with their names."""
    lines = f'<path d="M{LEFT} 12V{HIGH - FOOT}H{WIDE - 80}" fill="none" stroke="#888"/>'
    return lines + text((WIDE - 20) / 2, HIGH - 8, across, anchor="middle") + text(LEFT + 6, 18, up)


def text(column: float, row: float, words: str, *, anchor: str = "start") -> str:
    return f'<text x="{column:.1f}" y="{row:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def svg(parts: Sequence[str], title: str) -> str:
    """A whole picture."""
    head = f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">'
    return head + f'<g font-size="12" font-family="sans-serif">{"".join(parts)}</g></svg>'
