"""Parts of the page that several tabs use: viewer, image grid, picture input, charts."""
