"""The page: the only place besides app.py that imports gradio, and that talks to users."""
