// The three steps of the method: a matrix of names, a pixel's attention, masks that grow.
const part = (selector) => element.querySelector(selector);
let data = null;
let sheets = {};
let picture = null;
let matrix = "plain";
let place = [0.5, 0.6];
let turn = 0;

const load = (address) =>
    new Promise((done) => {
        const image = new Image();
        image.onload = () => done(image);
        image.onerror = () => done(null);
        image.src = address;
    });
const unpack = async (sheet) => {
    if (!sheet) return null;
    const image = await load(sheet.png);
    if (!image) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const rgba = context.getImageData(0, 0, image.width, image.height).data;
    const at = (n, k, x, y) =>
        sheet.low +
        ((sheet.high - sheet.low) * rgba[4 * ((k * sheet.h + y) * image.width + n * sheet.w + x)]) / 255;
    const read = (n, k, [right, down]) =>
        at(n, k, Math.min(Math.floor(right * sheet.w), sheet.w - 1), Math.min(Math.floor(down * sheet.h), sheet.h - 1));
    return { ...sheet, at, read };
};

const style = (name) => getComputedStyle(element).getPropertyValue(name).trim() || "#888";
const cssSize = (canvas, ratio) => {
    const width = Math.max(canvas.clientWidth, 40);
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round((width / ratio) * scale);
};

// Step 1
const drawMatrix = () => {
    const values = data[matrix] ?? data.plain;
    const canvas = part(".w-matrix");
    if (!values) return;
    cssSize(canvas, 1);
    const context = canvas.getContext("2d");
    const cell = canvas.width / values.length;
    // The diagonal is 1 everywhere: the colours use the range of the others.
    const others = values.flatMap((row, i) => row.filter((_, j) => i !== j));
    const low = Math.min(...others, 0.99);
    for (let i = 0; i < values.length; i++) {
        for (let j = 0; j < values.length; j++) {
            const share = Math.max(0, Math.min(1, (values[i][j] - low) / (1 - low)));
            context.fillStyle = `hsl(${250 - 195 * share} 75% ${12 + 58 * share}%)`;
            context.fillRect(j * cell, i * cell, cell + 1, cell + 1);
        }
    }
};
const readMatrix = (i, j) => {
    const [before, after] = [data.plain, data.contextual];
    const values = [`${before[i][j].toFixed(2)} before`];
    if (after) values.push(`${after[i][j].toFixed(2)} after`);
    part(".w-read").textContent =
        i === j
            ? `“${data.names[i]}” and itself: always 1.`
            : `“${data.names[i]}” and “${data.names[j]}”: cosine ${values.join(", ")} the context decoder.`;
};
const tellNearest = (i) => {
    const values = data[matrix] ?? data.plain;
    const order = values[i].map((_, j) => j).filter((j) => j !== i).sort((a, b) => values[i][b] - values[i][a]);
    const near = order.slice(0, 3).map((j) => `“${data.names[j]}” ${values[i][j].toFixed(2)}`);
    part(".w-read").textContent = `“${data.names[i]}” lands nearest to ${near.join(", ")}.`;
};

// Step 2
const bar = (k, share, text) => {
    const row = document.createElement("div");
    row.className = "w-bar";
    const name = row.appendChild(document.createElement("span"));
    name.textContent = k === null ? "not in your list" : data.names[k];
    const track = row.appendChild(document.createElement("i"));
    const fill = track.appendChild(document.createElement("b"));
    fill.style.width = `${100 * Math.max(0, Math.min(1, share))}%`;
    fill.style.background = k === null ? "#999" : data.colours[k];
    row.appendChild(document.createElement("em")).textContent = text;
    return row;
};
const best = (values) => values.map((_, k) => k).sort((a, b) => values[b] - values[a]);
const margin = (values, own) => values[own] - Math.max(...values.filter((_, k) => k !== own));
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
const drawPixel = () => {
    const canvas = part(".w-picture");
    cssSize(canvas, data.aspect);
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const [x, y] = [place[0] * canvas.width, place[1] * canvas.height];
    for (const [colour, width] of [["#000", 6], ["#fff", 3]]) {
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.beginPath();
        context.arc(x, y, 9, 0, 7);
        context.stroke();
    }
    const all = data.names.map((_, k) => k);
    const bars = part(".w-bars");
    bars.replaceChildren();
    const attention = sheets.attention;
    for (let layer = 0; attention && layer < attention.n; layer++) {
        const values = all.map((k) => attention.read(layer, k, place));
        bars.appendChild(document.createElement("h4")).textContent = `Layer ${layer + 1} of ${attention.n}: attention`;
        for (const k of best(values).slice(0, 5)) bars.append(bar(k, values[k], `${(100 * values[k]).toFixed(0)} %`));
    }
    const last = sheets.masks.n - 1;
    const own = best(all.map((k) => sheets.masks.read(last, k, place) * data.classes[last][k]))[0];
    const sentences = [`The final mask says “${data.names[own]}” here.`];
    if (data.names.length > 1) {
        const after = margin(all.map((k) => sheets.after.read(0, k, place)), own);
        const before = sheets.before && margin(all.map((k) => sheets.before.read(0, k, place)), own);
        const lead = "Its lead over the next name, in cosine";
        sentences.push(
            sheets.before
                ? `${lead}: ${signed(before)} before the pixel decoder (m = 0), ${signed(after)} after it (m = M).`
                : `${lead}, after the pixel decoder: ${signed(after)}. Nothing before it reads the names.`
        );
    }
    part(".w-clarity").textContent = sentences.join(" ");
};

// Step 3
const drawMask = () => {
    const canvas = part(".w-mask");
    const [k, step] = [Number(part(".w-name").value), Number(part(".w-step-at").value)];
    const { w, h, n, at } = sheets.masks;
    cssSize(canvas, data.aspect);
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    context.fillStyle = "rgb(0 0 0 / 45%)";
    context.fillRect(0, 0, canvas.width, canvas.height);
    const small = document.createElement("canvas");
    [small.width, small.height] = [w, h];
    const pixels = new ImageData(w, h);
    let sum = 0;
    for (let y = 0; y < h; y++) {
        for (let x = 0; x < w; x++) {
            const value = at(step, k, x, y);
            sum += value > 0.5;
            pixels.data.set([255, 214, 64, 255 * 0.8 * value], 4 * (y * w + x));
        }
    }
    small.getContext("2d").putImageData(pixels, 0, 0);
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    const when = step === 0 ? "Before the first layer" : `After layer ${step} of ${n - 1}`;
    part(".w-probability").textContent =
        `${when}: the mask covers ${((100 * sum) / (w * h)).toFixed(0)} % of the picture, ` +
        `and the class “${data.names[k]}” is there with probability ${data.classes[step][k].toFixed(2)}.`;
};

const show = async () => {
    const value = props.value;
    const mine = ++turn;
    element.querySelector(".walk").classList.toggle("w-has", Boolean(value));
    if (!value) return;
    const kept = data?.names[Number(part(".w-name").value)];
    const packed = ["attention", "before", "after", "masks"];
    const read = await Promise.all([load(value.picture), ...packed.map((key) => unpack(value[key]))]);
    if (mine !== turn || !read[0]) return;
    const grown = data && value.names.length > data.names.length;
    data = value;
    [picture, sheets] = [read[0], Object.fromEntries(packed.map((key, i) => [key, read[i + 1]]))];
    const without = (selector, text) => {
        part(`${selector} .w-none`).textContent = text;
        part(selector).classList.toggle("w-lacks", Boolean(text));
    };
    without(".w-text", data.plain ? "" : `${data.title} has no such step: its queries are learned vectors that read no text.`);
    part('[data-matrix="contextual"]').disabled = !data.contextual;
    if (!data.contextual) matrix = "plain";
    part(".w-attention .w-none").textContent = data.attention
        ? ""
        : `${data.title} has no such step: nothing in its pixel decoder reads the names. The lead of a name can be read all the same.`;
    const names = part(".w-name");
    names.replaceChildren(...data.names.map((name, k) => new Option(name, k)));
    const last = data.classes.length - 1;
    const first = data.names.indexOf(kept);
    names.value = first >= 0 ? first : best(data.classes[last])[0];
    part(".w-step-at").max = last;
    if (first < 0) part(".w-step-at").value = last;
    draw();
    if (grown && data.plain) tellNearest(data.names.length - 1);
};
const draw = () => {
    if (!data || !element.checkVisibility()) return;
    if (data.plain) drawMatrix();
    drawPixel();
    drawMask();
};

const inside = (event, canvas) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((v) =>
        Math.max(0, Math.min(v, 0.9999))
    );
};
element.addEventListener("pointermove", (event) => {
    if (!data?.plain || !event.target.matches(".w-matrix")) return;
    const [x, y] = inside(event, event.target);
    readMatrix(Math.floor(y * data.names.length), Math.floor(x * data.names.length));
});
element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-matrix]");
    if (button) {
        matrix = button.dataset.matrix;
        for (const other of element.querySelectorAll("[data-matrix]")) {
            other.setAttribute("aria-pressed", String(other === button));
        }
        drawMatrix();
    } else if (data && event.target.matches(".w-picture")) {
        place = inside(event, event.target);
        drawPixel();
    } else if (data?.plain && event.target.matches(".w-matrix")) {
        tellNearest(Math.floor(inside(event, event.target)[1] * data.names.length));
    }
});
element.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || !data || !event.target.matches(".w-picture")) return;
    event.preventDefault();
    place = place.map((v, i) => Math.max(0, Math.min(0.9999, v + 0.02 * step[i])));
    drawPixel();
});
for (const kind of ["input", "change"]) {
    element.addEventListener(kind, (event) => {
        if (data && event.target.matches(".w-name, .w-step-at")) drawMask();
    });
}
new ResizeObserver(draw).observe(element);
watch("value", show);
show();
