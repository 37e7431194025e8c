"""Pixels of any kind -> sRGB with eight bits a channel: colour profiles, transparency, wide grey.

Axes: H W the picture.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

# Pillow's modes with more than eight bits a pixel.
_WIDE_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
# The colour space of a profile, and the modes whose pixels it can describe.
_SPACES = {"RGB": ("RGB", "L"), "GRAY": ("L",), "CMYK": ("CMYK",)}


def to_rgb(image: Image.Image) -> Image.Image:
    """A loaded picture of any mode as opaque sRGB, transparency on white."""
    profile = image.info.get("icc_profile")
    if image.mode in _WIDE_MODES:
        image = _eight_bits(image)
    # "La" and "RGBa" carry premultiplied colours, which only their straight twins convert from.
    image = image.convert({"La": "LA", "RGBa": "RGBA", "1": "L"}.get(image.mode, image.mode))
    if "transparency" in image.info or image.mode == "PA":
        image = image.convert("RGBA")
    elif image.mode == "P":
        image = image.convert("RGB")
    opacity = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    image = image.convert({"LA": "L", "RGBA": "RGB"}.get(image.mode, image.mode))
    image = _to_srgb(image, profile) if profile else image.convert("RGB")
    if opacity is None:
        return image
    return Image.composite(image, Image.new("RGB", image.size, "white"), opacity)


def _to_srgb(image: Image.Image, content: bytes) -> Image.Image:
    """Applies a colour profile; one that is broken or of other pixels is ignored."""
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(content))
        name = ImageCms.getProfileDescription(profile).lower()
        space = profile.profile.xcolor_space.strip()
        usual = name.startswith("srgb") and "linear" not in name
        if not usual and image.mode in _SPACES.get(space, ()):
            image = image.convert("RGB") if space == "RGB" else image
            return ImageCms.profileToProfile(
                image,
                profile,
                ImageCms.createProfile("sRGB"),
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                "RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
    except Exception:  # of every class, by the part of the profile that is broken
        pass
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey pictures with wide pixels: by their nominal range, or stretched where there is none."""
    values = np.asarray(image, dtype=np.float64)
    finite = np.isfinite(values)
    low = float(values.min(where=finite, initial=np.inf))
    high = float(values.max(where=finite, initial=-np.inf))
    if low > high:  # not one number in it
        low = high = 0.0
    values = np.clip(np.nan_to_num(values, nan=low), low, high)
    if image.mode == "F" and low >= 0 and high <= 1:
        values = values * 255
    elif image.mode != "F" and low >= 0 and high <= 65535:
        values = values * (255 / (2 ** _bits(image, int(high)) - 1))
    elif low < 0 or high > 255:
        values = (values - low) * (255 / max(high - low, 1e-9))
    return Image.fromarray(np.round(values).astype(np.uint8))


def _bits(image: Image.Image, high: int) -> int:
    """How many bits of its wide pixels a picture uses, at least 8.

    TIFFs of cameras have 10, 12 or 14 bits in 16, and nothing says so. Other files with 16 bits
    use them all. 32-bit integers are also what some 8-bit files open as.
    """
    counted = image.mode == "I" or image.format == "TIFF"
    return max(8, high.bit_length()) if counted else 16
