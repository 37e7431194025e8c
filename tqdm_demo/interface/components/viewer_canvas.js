// Painting for the viewer: no events, no page. Coordinates are pixels of the picture.

function makePainter() {
  const colours = document.createElement("canvas"); // every pixel in the colour of its class
  const lines = document.createElement("canvas"); // the borders between the classes
  let ids = null;
  let edges = null;
  let size = { width: 0, height: 0 };

  function pixelsOf(image) {
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const values = new Uint8Array(canvas.width * canvas.height);
    for (let i = 0; i < values.length; i++) values[i] = data[4 * i];
    return { values, width: canvas.width, height: canvas.height };
  }

  // 2 = on a border, 1 = beside one, 0 = inside.
  function findEdges({ values, width, height }) {
    const found = new Uint8Array(values.length);
    const reach = Math.max(1, Math.round(width / 500));
    const mark = (i, step, room) => {
      found[i] = 2;
      for (let k = 1; k <= reach && k <= room; k++) {
        if (!found[i + k * step]) found[i + k * step] = 1;
      }
    };
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = y * width + x;
        if (x + 1 < width && values[i] !== values[i + 1]) {
          mark(i, 1, width - 1 - x);
          mark(i, -1, x);
        }
        if (y + 1 < height && values[i] !== values[i + width]) {
          mark(i, width, height - 1 - y);
          mark(i, -width, y);
        }
      }
    }
    return found;
  }

  // Reads a label image; paint() must follow.
  function load(image) {
    const map = pixelsOf(image);
    ids = map.values;
    edges = findEdges(map);
    size = { width: map.width, height: map.height };
    for (const canvas of [colours, lines]) Object.assign(canvas, size);
  }

  // Paints both layers; table = [r, g, b] by class, visible = whether a class is shown.
  function paint(table, visible) {
    const fills = new ImageData(size.width, size.height);
    const strokes = new ImageData(size.width, size.height);
    const fill = new Uint32Array(fills.data.buffer);
    const stroke = new Uint32Array(strokes.data.buffer);
    const packed = table.map(([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0);
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      if (!visible[id]) continue;
      fill[i] = packed[id];
      if (edges[i] === 2) stroke[i] = 0xffffffff;
      else if (edges[i] === 1) stroke[i] = packed[id];
    }
    colours.getContext("2d").putImageData(fills, 0, 0);
    lines.getContext("2d").putImageData(strokes, 0, 0);
  }

  // Draws one frame. view = {scale, left, top} from picture to canvas; look = {mode, opacity,
  // wipe}: wipe is where the plain picture ends, in pixels of the canvas, or null.
  function draw(context, picture, view, look) {
    const { canvas } = context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const place = () => context.setTransform(view.scale, 0, 0, view.scale, view.left, view.top);
    context.imageSmoothingEnabled = view.scale < 3;
    place();
    context.drawImage(picture, 0, 0, size.width, size.height);
    if (look.mode === "picture") return;
    context.save();
    if (look.wipe !== null) {
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.beginPath();
      context.rect(look.wipe, 0, canvas.width, canvas.height);
      context.clip();
      place();
    }
    if (look.mode === "labels") {
      context.fillStyle = "#111";
      context.fillRect(0, 0, size.width, size.height);
      context.drawImage(colours, 0, 0);
    } else if (look.mode === "outlines") {
      context.globalAlpha = Math.min(1, look.opacity + 0.25);
      context.drawImage(lines, 0, 0);
    } else {
      context.globalAlpha = look.opacity;
      context.drawImage(colours, 0, 0);
      context.globalAlpha = 0.45 * look.opacity;
      context.drawImage(lines, 0, 0);
    }
    context.restore();
  }

  return { load, paint, draw, pixelsOf, size: () => size, idAt: (x, y) => ids[y * size.width + x] };
}
