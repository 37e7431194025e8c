// What the pointer and the keys do in the viewer. Listeners sit on `element`, which stays.

// Where an event happened: [x, y] as a share of the picture.
function shareAt(event) {
  const box = part(".v-canvas").getBoundingClientRect();
  const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  return at.map((value, i) => state.centre[i] + (value - 0.5) / state.zoom);
}

function pixelAt(share) {
  const { width, height } = painter.size();
  const [x, y] = [Math.floor(share[0] * width), Math.floor(share[1] * height)];
  return x >= 0 && y >= 0 && x < width && y < height ? [x, y] : null;
}

// Of a pixel whose class is none of the list.
const UNLABELLED = "not labelled";

function describe(point) {
  const id = painter.idAt(...point);
  const { width, height } = painter.size();
  const [column, row] = [(point[0] * scores.width) / width, (point[1] * scores.height) / height];
  const level = scores.values[Math.floor(row) * scores.width + Math.floor(column)];
  const name = data.names[id] ?? UNLABELLED;
  return { id, name, score: ((level / 255) * data.score_top).toFixed(2) };
}

function point(at) {
  const tip = part(".v-tip");
  tip.classList.toggle("v-on", Boolean(at));
  for (const chip of element.querySelectorAll(".v-at")) chip.classList.remove("v-at");
  if (!at) return null;
  const found = describe(at);
  tip.querySelector("i").style.background = data.colours[found.id] ?? "none";
  tip.querySelector("b").textContent = found.name;
  tip.querySelector("span").textContent = `score ${found.score}`;
  const view = currentView();
  const canvas = part(".v-canvas");
  const unit = canvas.width / canvas.clientWidth;
  const x = (view.left + at[0] * view.scale) / unit + canvas.offsetLeft;
  const y = (view.top + at[1] * view.scale) / unit + canvas.offsetTop;
  const room = part(".v-frame").clientWidth - tip.offsetWidth - 4;
  tip.style.transform = `translate(${clamp(x + 14, 4, room)}px, ${y > 52 ? y - 44 : y + 18}px)`;
  const chip = element.querySelector(`.v-chips button[data-id="${found.id}"]`);
  if (chip) chip.classList.add("v-at");
  return found;
}

// Asks the server for all classes at a pixel, or at the marked one.
async function ask(at) {
  state.mark = at;
  redraw();
  if (!data.token || typeof server === "undefined") return;
  const { token } = data;
  const found = await server.read_pixel({ token, place: at });
  if (!data || data.token !== token || state.mark !== at) return;
  if (found) showReading(at, found);
  else trigger("submit"); // not kept any more: the answer comes again, and with it this question
}

function showReading(at, found) {
  const panel = part(".v-reading");
  const names = found.order.map((id) => data.names[id]);
  panel.querySelector("header b").textContent = `Pixel ${at[0]}, ${at[1]}: ${describe(at).name}`;
  const top = Math.max(...found.scores, 1e-6);
  const cosines = found.similarities ?? [];
  const [low, high] = [Math.min(...cosines), Math.max(...cosines)];
  const rows = found.order.map((id, i) => {
    const row = document.createElement("li");
    const name = document.createElement("b");
    const swatch = document.createElement("i");
    swatch.style.background = data.colours[id];
    name.append(swatch, names[i]);
    const cosine = cosines[i];
    row.append(name, bar(found.scores[i], found.scores[i] / top));
    if (cosine !== undefined) row.append(bar(cosine, (cosine - low) / Math.max(high - low, 1e-6)));
    return row;
  });
  panel.querySelector("ol").replaceChildren(...rows);
  panel.classList.toggle("v-left", at[0] > painter.size().width / 2);
  panel.hidden = false;
}

function bar(value, share) {
  const cell = document.createElement("span");
  cell.style.setProperty("--share", share.toFixed(3));
  cell.textContent = value.toFixed(3);
  return cell;
}

function closeReading() {
  state.mark = state.cursor = null;
  part(".v-reading").hidden = true;
  redraw();
}

const nearWipe = (event) => {
  const box = part(".v-canvas").getBoundingClientRect();
  const place = box.left + (state.wipe ?? 9) * box.width;
  return state.mode !== "picture" && Math.abs(event.clientX - place) < 14;
};

element.addEventListener("pointerdown", (event) => {
  if (!data || !event.target.matches(".v-canvas") || event.button > 0) return;
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  event.target.setPointerCapture(event.pointerId);
  const start = { x: event.clientX, y: event.clientY, centre: [...state.centre], moved: false };
  drag = { ...start, wipe: nearWipe(event), spread: spread(), zoom: state.zoom };
});

function spread() {
  const [a, b] = [...fingers.values()];
  return b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0;
}

element.addEventListener("pointermove", (event) => {
  if (!data || !event.target.matches(".v-canvas")) return;
  if (fingers.has(event.pointerId)) fingers.set(event.pointerId, [event.clientX, event.clientY]);
  const box = event.target.getBoundingClientRect();
  if (!drag) {
    event.target.style.cursor = nearWipe(event) ? "ew-resize" : "crosshair";
    return void point(pixelAt(shareAt(event)));
  }
  const step = [event.clientX - drag.x, event.clientY - drag.y];
  if (Math.hypot(...step) > 5) drag.moved = true;
  if (!drag.moved) return;
  if (drag.spread) zoomTo((drag.zoom * spread()) / drag.spread);
  else if (drag.wipe) {
    state.wipe = clamp((event.clientX - box.left) / box.width, 0, 1);
    part(".v-place input").value = Math.round(100 * state.wipe);
  } else {
    const scale = [box.width * state.zoom, box.height * state.zoom];
    state.centre = drag.centre.map((c, i) => c - step[i] / scale[i]);
  }
  redraw();
});

function release(event) {
  fingers.delete(event.pointerId);
  const clicked = drag && !drag.moved && event.type === "pointerup" && !drag.wipe;
  drag = null;
  const at = clicked ? pixelAt(shareAt(event)) : null;
  if (at) {
    state.cursor = null;
    point(at);
    ask(at);
  }
}
element.addEventListener("pointerup", release);
element.addEventListener("pointercancel", release);
element.addEventListener("pointerout", (event) => event.target.matches(".v-canvas") && point(null));

element.addEventListener("wheel", (event) => {
  // A plain wheel scrolls the page, unless the picture is zoomed already.
  if (!data || !event.target.matches(".v-canvas") || !(event.ctrlKey || state.zoom > 1)) return;
  event.preventDefault();
  zoomTo(state.zoom * Math.exp(-event.deltaY / 300), shareAt(event));
}, { passive: false });

element.addEventListener("input", (event) => {
  if (event.target.closest(".v-opacity")) state.opacity = event.target.value / 100;
  else if (event.target.closest(".v-place")) state.wipe = event.target.value / 100;
  showControls();
  redraw();
});

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || !data) return;
  const { mode, zoom, id } = button.dataset;
  if (mode) setMode(mode);
  else if (zoom) zoomTo({ in: state.zoom * 1.5, out: state.zoom / 1.5, reset: 1 }[zoom]);
  else if (id) hide(Number(id));
  else if (button.matches(".v-wipe")) toggleWipe();
  else if (button.matches(".v-close")) closeReading();
  else if (button.matches(".v-all")) {
    state.hidden.clear();
    state.solo = null;
    afterChips();
  }
});
element.addEventListener("dblclick", (event) => {
  const chip = event.target.closest(".v-chips button");
  if (chip) solo(Number(chip.dataset.id));
});
for (const [type, leaving] of [["pointerover", false], ["pointerout", true]]) {
  element.addEventListener(type, (event) => {
    const chip = event.target.closest(".v-chips button");
    if (!chip || event.pointerType === "touch" || drag) return;
    if (chip.contains(event.relatedTarget)) return;
    state.preview = leaving || !isShown(chip) ? null : Number(chip.dataset.id);
    repaint();
  });
}
const isShown = (chip) => chip.getAttribute("aria-pressed") === "true";

const MODES = ["overlay", "labels", "outlines", "picture"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

element.addEventListener("keydown", (event) => {
  if (!data || event.ctrlKey || event.metaKey || event.altKey) return;
  const chip = event.target.closest(".v-chips button");
  if (chip && event.key.toLowerCase() === "s") solo(Number(chip.dataset.id));
  else if (event.target.matches("[data-mode]") && ARROWS[event.key]) {
    const step = ARROWS[event.key][0] || ARROWS[event.key][1];
    setMode(MODES[(MODES.indexOf(state.mode) + step + 4) % 4]);
    part(`[data-mode="${state.mode}"]`).focus();
  } else if (!event.target.matches(".v-canvas") || !canvasKey(event)) return;
  event.preventDefault();
});

// Whether the key means something on the picture.
function canvasKey(event) {
  const { width, height } = painter.size();
  if (ARROWS[event.key]) {
    const step = Math.max(1, Math.round(width / (event.shiftKey ? 200 : 40) / state.zoom));
    const from = state.cursor ?? state.mark ?? [Math.floor(width / 2), Math.floor(height / 2)];
    const limits = [width - 1, height - 1];
    state.cursor = from.map((v, i) => clamp(v + ARROWS[event.key][i] * step, 0, limits[i]));
    if (state.zoom > 1) state.centre = [state.cursor[0] / width, state.cursor[1] / height];
    redraw();
    const found = point(state.cursor);
    part(".v-live").textContent = `${found.name}, score ${found.score}`;
  } else if ("1234".includes(event.key)) setMode(MODES[event.key - 1]);
  else if (event.key === "+" || event.key === "=") zoomTo(state.zoom * 1.5);
  else if (event.key === "-") zoomTo(state.zoom / 1.5);
  else if (event.key === "0") zoomTo(1);
  else if (event.key.toLowerCase() === "w") toggleWipe();
  else if (event.key === "Enter") ask(state.cursor ?? [Math.floor(width / 2), Math.floor(height / 2)]);
  else if (event.key === "Escape") {
    point(null);
    closeReading();
  } else return false;
  return true;
}

new ResizeObserver(() => {
  fit();
  redraw();
}).observe(element);
watch("value", receive);
receive();
