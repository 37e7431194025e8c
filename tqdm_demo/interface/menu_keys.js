// gradio opens a menu at any key but Escape, also at the Tab that leaves it: after the focus has
// gone, so that it stays open over the page.

// The window comes before gradio's own listeners.
window.addEventListener("keydown", (event) => {
  if (event.key === "Tab" && event.target.matches("[role=combobox]")) event.stopPropagation();
}, true);
