// The viewer's state and events. `element`, `props`, `trigger` and `watch` come from gradio.
// Names are typed by users: they are only ever set as textContent.

const part = (selector) => element.querySelector(selector);
const state = {
  mode: "overlay", opacity: 0.66, wipe: null, hidden: new Set(), solo: null, preview: null,
  zoom: 1, centre: [0.5, 0.5], cursor: null, mark: null,
};
const painter = makePainter();
const fingers = new Map();
const CHOOSE = part(".v-empty").textContent;
let data = null; // the value that is shown; the next one may still be loading
let picture = null;
let scores = null;
let turn = 0;
let drag = null;

const load = (url) => new Promise((done, failed) => {
  const image = new Image();
  image.onload = () => done(image);
  image.onerror = () => failed(new Error(`could not load ${url}`));
  image.src = url;
});
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

// A new value: loads its files, then shows all of it at once. The last one asked for wins.
async function receive() {
  const value = props.value;
  const mine = ++turn;
  if (!value || !value.picture) {
    data = picture = null;
    return show();
  }
  const files = [value.picture, value.labels, value.scores].map((file) => load(file.url));
  const [photo, labels, confidence] = await Promise.all(files);
  if (mine !== turn) return;
  const other = !picture || picture.src !== photo.src;
  const kept = data ? [...state.hidden].map((id) => data.names[id]) : [];
  const alone = data && state.solo !== null ? data.names[state.solo] : null;
  state.hidden = new Set(kept.map((name) => value.names.indexOf(name)).filter((id) => id >= 0));
  state.solo = value.names.indexOf(alone) >= 0 ? value.names.indexOf(alone) : null;
  state.preview = null;
  if (other) Object.assign(state, { zoom: 1, centre: [0.5, 0.5], cursor: null, mark: null });
  data = value;
  picture = photo;
  painter.load(labels);
  scores = painter.pixelsOf(confidence);
  show();
}

function isVisible(id) {
  const alone = state.preview ?? state.solo;
  return alone === null ? !state.hidden.has(id) : id === alone;
}

function repaint() {
  if (!data) return;
  painter.paint(data.colours.map(rgb), data.names.map((_, id) => isVisible(id)));
  redraw();
}

// Everything that depends on the state: gradio resets attributes whenever a value comes.
function show() {
  element.classList.toggle("v-has", Boolean(data));
  part(".v-empty").textContent = props.value?.empty || CHOOSE;
  part(".v-canvas").setAttribute("aria-label", data ? data.alt : "No picture yet");
  showLegend();
  showControls();
  fit();
  repaint();
  if (!state.mark) part(".v-reading").hidden = true;
  else if (data) ask(state.mark);
}

function showControls() {
  for (const button of element.querySelectorAll("[data-mode]")) {
    const chosen = button.dataset.mode === state.mode;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen ? 0 : -1;
  }
  const percent = Math.round(100 * state.opacity);
  part(".v-opacity input").value = percent;
  part(".v-opacity output").textContent = `${percent} %`;
  part(".v-wipe").setAttribute("aria-pressed", state.wipe !== null);
  part(".v-place").hidden = state.wipe === null;
  part(".v-place input").value = Math.round(100 * (state.wipe ?? 0.5));
  const reset = part('[data-zoom="reset"]');
  reset.textContent = `${Math.round(100 * state.zoom)} %`;
  reset.ariaLabel = `${reset.textContent}, fit the picture`;
  part(".v-canvas").style.touchAction = state.zoom > 1 ? "none" : "pan-y";
}

function showLegend() {
  const order = data ? data.names.map((_, id) => id) : [];
  order.sort((a, b) => data.shares[b] - data.shares[a]);
  part(".v-chips").replaceChildren(...order.map(makeChip));
  showChips();
}

function makeChip(id) {
  const item = document.createElement("li");
  const chip = document.createElement("button");
  const [swatch, name, share] = ["i", "b", "span"].map((tag) => document.createElement(tag));
  chip.type = "button";
  chip.dataset.id = id;
  swatch.style.background = data.colours[id];
  name.textContent = data.names[id];
  const percent = 100 * data.shares[id];
  share.textContent = percent >= 0.05 ? `${percent.toFixed(1)} %` : "none";
  chip.classList.toggle("v-none", percent < 0.05);
  chip.append(swatch, name, share);
  if (data.notes[id]) {
    const note = document.createElement("small");
    note.textContent = data.notes[id];
    chip.append(note);
  }
  item.append(chip);
  return item;
}

function showChips() {
  const shown = (id) => (state.solo === null ? !state.hidden.has(id) : id === state.solo);
  for (const chip of element.querySelectorAll(".v-chips button")) {
    chip.setAttribute("aria-pressed", shown(Number(chip.dataset.id)));
  }
  part(".v-all").hidden = !data || (state.solo === null && state.hidden.size === 0);
}

// The canvas: as wide as its frame, as tall as the picture then is, within the style's limit.
function fit() {
  const canvas = part(".v-canvas");
  const size = painter.size();
  if (!data || !size.width) return;
  canvas.style.aspectRatio = `${size.width} / ${size.height}`;
  canvas.style.setProperty("--ratio", size.width / size.height);
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

function currentView() {
  const canvas = part(".v-canvas");
  const size = painter.size();
  const scale = (canvas.width / size.width) * state.zoom;
  const half = 0.5 / state.zoom;
  state.centre = state.centre.map((c) => clamp(c, half, 1 - half));
  return {
    scale,
    left: canvas.width / 2 - state.centre[0] * size.width * scale,
    top: canvas.height / 2 - state.centre[1] * size.height * scale,
  };
}

let waiting = false;
function redraw() {
  if (waiting || !data) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    const canvas = part(".v-canvas");
    if (!data || !canvas || !canvas.width) return;
    const context = canvas.getContext("2d");
    const view = currentView();
    const wipe = state.wipe === null ? null : state.wipe * canvas.width;
    painter.draw(context, picture, view, { ...state, wipe });
    drawMarks(context, view, wipe);
  });
}

function drawMarks(context, view, wipe) {
  const { canvas } = context;
  const unit = canvas.width / canvas.clientWidth;
  context.setTransform(1, 0, 0, 1, 0, 0);
  if (wipe !== null && state.mode !== "picture") {
    context.fillStyle = "#fff";
    context.shadowColor = "#000";
    context.shadowBlur = 4 * unit;
    context.fillRect(wipe - unit, 0, 2 * unit, canvas.height);
    context.beginPath();
    context.arc(wipe, canvas.height / 2, 9 * unit, 0, 7);
    context.fill();
    context.shadowBlur = 0;
  }
  for (const [point, radius] of [[state.mark, 7], [state.cursor, 4]]) {
    if (!point) continue;
    const [x, y] = [view.left + (point[0] + 0.5) * view.scale, view.top + (point[1] + 0.5) * view.scale];
    for (const [width, colour] of [[5, "#000"], [2.5, "#fff"]]) {
      context.lineWidth = width * unit;
      context.strokeStyle = colour;
      context.beginPath();
      context.arc(x, y, radius * unit, 0, 7);
      context.stroke();
    }
  }
}

function setMode(mode) {
  state.mode = mode;
  showControls();
  redraw();
}

function toggleWipe() {
  state.wipe = state.wipe === null ? 0.5 : null;
  showControls();
  redraw();
}

function zoomTo(zoom, at) {
  const before = state.zoom;
  state.zoom = clamp(zoom, 1, 16);
  // The point under the pointer stays where it is.
  if (at) state.centre = state.centre.map((c, i) => at[i] + ((c - at[i]) * before) / state.zoom);
  showControls();
  redraw();
}

function hide(id) {
  if (state.solo !== null) {
    state.hidden = new Set(data.names.map((_, other) => other).filter((other) => !isVisible(other)));
    state.solo = state.preview = null;
  }
  if (!state.hidden.delete(id)) state.hidden.add(id);
  afterChips();
}

function solo(id) {
  state.solo = state.solo === id ? null : id;
  afterChips();
}

function afterChips() {
  state.preview = null;
  showChips();
  repaint();
}
