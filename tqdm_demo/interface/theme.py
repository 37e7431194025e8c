"""The page's theme: quiet paper and ink around the pictures, in light and in dark."""

from __future__ import annotations

import gradio as gr

# Gradio's names; those of the dark mode end in "_dark".
COLOURS = {
    "body_background_fill": "#f7f6f3",
    "body_background_fill_dark": "#131615",
    "body_text_color": "#1d1c1a",
    "body_text_color_dark": "#ecebe7",
    "body_text_color_subdued": "#5b5852",
    "body_text_color_subdued_dark": "#aeaca5",
    "background_fill_primary": "#ffffff",
    "background_fill_primary_dark": "#1b1f1e",
    "background_fill_secondary": "#efede8",
    "background_fill_secondary_dark": "#232827",
    "border_color_primary": "#dedbd3",
    "border_color_primary_dark": "#343a38",
    "color_accent": "#0f766e",
    "color_accent_soft": "#d9efec",
    "color_accent_soft_dark": "#173f3b",
    "link_text_color": "#0f6b64",
    "link_text_color_dark": "#5eead4",
    "link_text_color_hover": "#0a4f4a",
    "link_text_color_hover_dark": "#99f6e4",
    "block_background_fill": "#ffffff",
    "block_background_fill_dark": "#1b1f1e",
    "block_border_color": "#dedbd3",
    "block_border_color_dark": "#343a38",
    "block_label_text_color": "#1d1c1a",
    "block_label_text_color_dark": "#ecebe7",
    "block_title_text_color": "#1d1c1a",
    "block_title_text_color_dark": "#ecebe7",
    "block_title_text_weight": "700",
    "block_info_text_color": "#5b5852",
    "block_info_text_color_dark": "#aeaca5",
    "block_shadow": "none",
    "input_background_fill": "#ffffff",
    "input_background_fill_dark": "#131615",
    "input_border_color": "#c9c5bb",
    "input_border_color_dark": "#454c49",
    "input_border_color_focus": "#0f766e",
    "input_border_color_focus_dark": "#2dd4bf",
    "input_placeholder_color": "#6b6860",
    "input_placeholder_color_dark": "#97958e",
    "button_secondary_background_fill": "#ffffff",
    "button_secondary_background_fill_dark": "#232827",
    "button_secondary_background_fill_hover": "#efede8",
    "button_secondary_background_fill_hover_dark": "#2f3634",
    "button_secondary_border_color": "#c9c5bb",
    "button_secondary_border_color_dark": "#454c49",
    "button_secondary_text_color": "#1d1c1a",
    "button_secondary_text_color_dark": "#ecebe7",
    "button_primary_background_fill": "#0f766e",
    "button_primary_background_fill_dark": "#2dd4bf",
    "button_primary_background_fill_hover": "#115e59",
    "button_primary_background_fill_hover_dark": "#5eead4",
    "button_primary_text_color": "#ffffff",
    "button_primary_text_color_dark": "#0c1211",
}


def make_theme() -> gr.themes.Base:
    """The theme, from fonts that gradio carries along: nothing is loaded from another host."""
    theme = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        # gradio carries all letters of these two weights only.
        font=(gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"),
        font_mono=(gr.themes.LocalFont("IBM Plex Mono", weights=(400,)), "monospace"),
    )
    return theme.set(**COLOURS)
