"""One colour of a municipality as the tones of a page, light and dark, each with contrast enough to be read.

Contrast is WCAG 2.1's: at least 4.5 to 1 for text. Whatever colour is chosen, it is darkened on white paper and
lightened on black until it holds; the chosen one itself need not be readable.
"""

OURS = "#0b5d5e"
"""Torv's own colour, where nobody has chosen another."""

LEAST = 4.5
STEP = 0.02

Rgb = tuple[int, int, int]
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)

LIGHT_GROUNDS: tuple[Rgb, ...] = ((255, 255, 255), (245, 245, 242))
DARK_GROUNDS: tuple[Rgb, ...] = ((21, 25, 24), (30, 36, 35))
"""The grounds of the style sheet, `--paper` and `--soft`."""


def read(colour: str) -> Rgb:
    """`#0b5d5e` as three numbers."""
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


def write(colour: Rgb) -> str:
    """Three numbers as `#0b5d5e`."""
    return "#" + "".join(f"{part:02x}" for part in colour)


def luminance(colour: Rgb) -> float:
    """How light it is to the eye, from 0 to 1."""
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """From 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mixed(colour: Rgb, into: Rgb, share: float) -> Rgb:
    """`colour` with so much of `into`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, into, strict=True))
    return (red, green, blue)


def _readable(colour: Rgb, towards: Rgb, grounds: tuple[Rgb, ...], softness: float) -> tuple[Rgb, Rgb]:
    """The colour, moved as little as it takes, and the soft ground made of it."""
    share = 0.0
    while True:
        tone = mixed(colour, towards, min(share, 1.0))
        soft = mixed(grounds[0], tone, softness)
        if share >= 1.0 or all(contrast(tone, ground) >= LEAST for ground in (*grounds, soft)):
            return tone, soft
        share += STEP


def tones(accent: str) -> tuple[dict[str, str], dict[str, str]]:
    """The custom properties of the style sheet for light and for dark pages."""
    colour = read(accent)
    light, light_soft = _readable(colour, BLACK, LIGHT_GROUNDS, 0.09)
    dark, dark_soft = _readable(colour, WHITE, DARK_GROUNDS, 0.15)
    return (
        _properties(light, mixed(light, BLACK, 0.35), light_soft, WHITE),
        _properties(dark, mixed(dark, WHITE, 0.4), dark_soft, mixed(dark, BLACK, 0.88)),
    )


def _properties(accent: Rgb, deep: Rgb, soft: Rgb, on: Rgb) -> dict[str, str]:
    return {
        "--accent": write(accent),
        "--accent-deep": write(deep),
        "--accent-soft": write(soft),
        "--on-accent": write(on),
    }


def style_sheet(accent: str) -> str:
    """The tones as a style sheet that goes before `torv.css`' own."""
    light, dark = tones(accent)
    return f":root {{ {_listed(light)} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {_listed(dark)} }} }}\n"


def _listed(properties: dict[str, str]) -> str:
    return " ".join(f"{name}: {value};" for name, value in properties.items())
