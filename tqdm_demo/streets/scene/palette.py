"""Colours of the drawn streets: a narrow palette for the source world, wide ones for variety."""

import colorsys
import random
import zlib

Colour = tuple[int, int, int]

_NARROW: dict[str, tuple[Colour, ...]] = {
    "road": ((98, 100, 108),),
    "sidewalk": ((186, 178, 170),),
    "terrain": ((122, 158, 78),),
    "kerb": ((208, 204, 198),),
    "marking": ((240, 240, 234),),
    "facade": ((214, 176, 132), (196, 118, 92), (226, 206, 170), (168, 146, 132), (176, 190, 200)),
    "roof": ((140, 70, 56), (104, 96, 100)),
    "wall": ((158, 132, 116), (176, 164, 148)),
    "fence": ((112, 84, 62), (64, 84, 76)),
    "pole": ((92, 98, 104),),
    "leaf": ((74, 132, 58), (92, 146, 62)),
    "trunk": ((98, 74, 56),),
    "car": ((196, 52, 46), (52, 96, 172), (226, 228, 230), (62, 66, 74)),
    "truck": ((232, 226, 214), (66, 118, 168)),
    "bus": ((222, 160, 44), (204, 60, 52)),
    "tram": ((46, 140, 110), (150, 200, 178)),
    "cloth": ((196, 64, 60), (58, 92, 160), (232, 196, 84), (70, 74, 86)),
    "trousers": ((54, 62, 88), (86, 78, 72)),
    "skin": ((232, 190, 158), (156, 106, 78)),
    "hair": ((66, 48, 38),),
    "frame": ((190, 50, 50), (40, 110, 150)),
    "awning": ((196, 66, 58), (70, 128, 96)),
    "skyline": ((166, 162, 168), (184, 168, 156)),
}
_WIDE: dict[str, tuple[Colour, ...]] = {
    "road": ((74, 76, 82), (120, 116, 112), (138, 134, 130), (96, 92, 100), (88, 96, 104)),
    "sidewalk": (
        (168, 168, 168),
        (196, 176, 156),
        (150, 140, 136),
        (206, 200, 186),
        (178, 146, 130),
    ),
    "terrain": (
        (150, 156, 84),
        (178, 160, 104),
        (90, 136, 70),
        (132, 122, 78),
        (108, 166, 96),
        (160, 132, 98),
    ),
    "facade": (
        (234, 226, 210),
        (206, 144, 120),
        (150, 72, 58),
        (232, 190, 110),
        (146, 168, 188),
        (188, 206, 178),
        (226, 168, 160),
        (120, 114, 116),
        (240, 214, 150),
        (172, 110, 74),
        (96, 116, 140),
        (208, 208, 212),
    ),
    "roof": ((160, 84, 60), (82, 84, 94), (116, 74, 62), (70, 98, 96), (128, 118, 108)),
    "wall": ((164, 84, 66), (190, 182, 170), (124, 116, 110), (206, 186, 150), (142, 150, 146)),
    "fence": (
        (236, 234, 226),
        (58, 62, 66),
        (136, 96, 60),
        (70, 110, 76),
        (150, 156, 160),
        (110, 66, 48),
    ),
    "pole": ((62, 68, 72), (140, 146, 150), (52, 82, 70), (112, 100, 90)),
    "leaf": (
        (66, 118, 62),
        (110, 152, 58),
        (206, 142, 44),
        (190, 86, 40),
        (214, 178, 62),
        (52, 98, 66),
        (228, 166, 186),
        (140, 148, 70),
        (150, 60, 56),
    ),
    "trunk": ((84, 68, 58), (122, 96, 72), (150, 142, 132)),
    "car": (
        (208, 40, 40),
        (30, 78, 160),
        (240, 240, 240),
        (36, 38, 42),
        (120, 126, 132),
        (226, 180, 30),
        (38, 120, 84),
        (230, 112, 36),
        (108, 50, 110),
        (120, 178, 206),
        (150, 112, 74),
        (186, 190, 194),
    ),
    "truck": (
        (240, 238, 232),
        (196, 60, 44),
        (40, 100, 60),
        (236, 170, 40),
        (64, 92, 150),
        (130, 134, 138),
    ),
    "bus": (
        (230, 176, 30),
        (196, 40, 44),
        (40, 110, 176),
        (238, 238, 234),
        (70, 150, 80),
        (230, 120, 40),
    ),
    "tram": (
        (40, 120, 90),
        (220, 60, 50),
        (236, 232, 214),
        (60, 90, 160),
        (240, 196, 60),
        (130, 140, 150),
    ),
    "cloth": (
        (214, 50, 50),
        (40, 70, 150),
        (240, 240, 236),
        (30, 32, 38),
        (240, 200, 60),
        (70, 150, 90),
        (150, 80, 150),
        (236, 130, 60),
        (240, 160, 180),
        (110, 170, 200),
        (130, 100, 70),
    ),
    "trousers": (
        (40, 50, 84),
        (30, 30, 34),
        (120, 108, 90),
        (84, 96, 120),
        (180, 166, 140),
        (100, 60, 54),
    ),
    "skin": ((244, 208, 180), (226, 176, 140), (186, 130, 94), (130, 86, 62), (92, 62, 46)),
    "hair": ((40, 30, 26), (96, 64, 40), (180, 140, 80), (150, 70, 40), (130, 130, 132)),
    "frame": (
        (30, 32, 36),
        (210, 60, 50),
        (60, 130, 180),
        (80, 160, 90),
        (230, 190, 60),
        (220, 220, 224),
    ),
    "awning": ((200, 50, 50), (50, 110, 80), (40, 80, 140), (230, 180, 60), (150, 70, 110)),
    "skyline": ((150, 150, 160), (190, 170, 150), (170, 140, 130), (140, 156, 170)),
}
# Zenith, horizon, cloud, colour of the light (1 = white).
_SKIES = (
    ((70, 142, 218), (196, 224, 242), (252, 252, 252), (1.04, 1.01, 0.95)),
    ((96, 158, 222), (214, 228, 236), (250, 248, 246), (1.02, 1.0, 0.97)),
    ((128, 146, 164), (206, 212, 216), (228, 230, 232), (0.95, 0.97, 1.0)),
    ((84, 124, 186), (250, 206, 152), (255, 226, 196), (1.10, 0.98, 0.86)),
    ((104, 130, 188), (244, 204, 204), (255, 232, 230), (1.06, 0.98, 0.96)),
    ((52, 132, 190), (178, 224, 224), (248, 252, 250), (1.0, 1.02, 0.98)),
    ((44, 104, 190), (150, 198, 236), (255, 255, 255), (1.03, 1.0, 0.97)),
)


class Palette:
    """Chooses the colours of one painting; every choice depends only on (seed, kind, key), never
    on order.

    Args:
        variety: 0 = narrow palette, 1 = wide palettes, between: the share of wide choices.
        seed: of the painting's colours.
    """

    def __init__(self, variety: float, seed: str):
        self.variety = variety
        self.seed = seed
        self._chosen: dict[tuple[str, int], Colour] = {}
        rng = random.Random(zlib.crc32(f"{seed}/sky".encode()))
        sky = rng.choice(_SKIES) if rng.random() < variety else _SKIES[0]
        self.zenith, self.horizon, self.cloud, self.light = sky
        self._leaf_mood = rng.choice(_WIDE["leaf"][:2] * 3 + _WIDE["leaf"])

    def pick(self, kind: str, key: int) -> Colour:
        """Colour of a thing of this kind; ``key`` is the thing's shape seed."""
        if (kind, key) not in self._chosen:
            self._chosen[kind, key] = self._choose(kind, key)
        return self._chosen[kind, key]

    def _choose(self, kind: str, key: int) -> Colour:
        rng = random.Random(zlib.crc32(f"{self.seed}/{kind}/{key}".encode()))
        wide = rng.random() < self.variety and kind in _WIDE
        colour = rng.choice(_WIDE[kind] if wide else _NARROW[kind])
        if kind == "leaf" and wide and rng.random() < 0.6:
            colour = self._leaf_mood
        spread = 0.04 + (0.05 if wide else 0.0)
        hue, light, saturation = colorsys.rgb_to_hls(*(c / 255 for c in colour))
        light = min(max(light + rng.uniform(-spread, spread), 0.05), 0.97)
        red, green, blue = colorsys.hls_to_rgb(
            hue + rng.uniform(-0.1, 0.1) * spread, light, saturation
        )
        return round(red * 255), round(green * 255), round(blue * 255)


def shade(colour: Colour, factor: float) -> Colour:
    """The colour made darker (factor < 1) or lighter (> 1, towards white)."""
    if factor <= 1.0:
        return int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor)
    return mix(colour, (255, 255, 255), min(factor - 1.0, 1.0))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """``share`` of the second colour, the rest of the first."""
    (r0, g0, b0), (r1, g1, b1) = first, second
    return int(r0 + (r1 - r0) * share), int(g0 + (g1 - g0) * share), int(b0 + (b1 - b0) * share)
