// Draws a grid (see image_grid.py). Runs once for every grid of the page, with `element`, `props` and
// `watch` given by gradio. Text is set as text, never as markup.

const grid = element.querySelector(".image-grid");
const decodedPixels = new Map(); // address of a PNG -> promise of {width, height, grey}
let pictures = new Map(); // address -> <img>, so that a picture that stays is not decoded again
let shown = []; // {cell, button, tag, mark, title} of every cell that has a picture

const dialog = document.createElement("dialog");
dialog.className = "grid-zoom";
let zoomed = 0;
const wipe = { on: false, place: 50 }; // of the layout "pair"; stays while the grid is filled

function make(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
}

function css([red, green, blue]) {
    return `rgb(${red} ${green} ${blue})`;
}

function chip(colour) {
    const node = make("i", "grid-chip");
    node.style.background = css(colour);
    return node;
}

// ---------------------------------------------------------------- what lies under the pointer

function decode(address) {
    if (!decodedPixels.has(address)) {
        const image = new Image();
        image.src = address;
        decodedPixels.set(address, image.decode().then(() => {
            const canvas = document.createElement("canvas");
            canvas.width = image.naturalWidth;
            canvas.height = image.naturalHeight;
            const context = canvas.getContext("2d", { willReadFrequently: true });
            context.drawImage(image, 0, 0);
            const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
            const grey = rgba.filter((_, index) => index % 4 === 0);
            return { width: canvas.width, height: canvas.height, grey };
        }));
    }
    return decodedPixels.get(address);
}

function number(value) {
    return value.toFixed(2).replace("-", "−");
}

function describe(cell, { width, height, grey }, x, y) {
    const column = Math.min(Math.floor(x * width), width - 1);
    const row = Math.min(Math.floor(y * height), height - 1);
    const value = grey[row * width + column];
    if (cell.scale) {
        const { low, high } = cell.scale;
        return { text: number(low + (value / 255) * (high - low)) };
    }
    const { labels, colours } = props.value;
    if (value >= labels.length) return { text: "not labelled" };
    return { text: labels[value], colour: colours[value] };
}

// Where a place of a cell lies in its picture, which is cut to the shape of the cell.
function inPicture(item, x, y) {
    const image = item.button.querySelector("img");
    const ratio = image.naturalWidth / image.naturalHeight / (image.clientWidth / image.clientHeight);
    if (!(ratio > 0)) return [x, y];
    return [0.5 + (x - 0.5) / Math.max(ratio, 1), 0.5 + (y - 0.5) * Math.min(ratio, 1)];
}

async function point(event, over) {
    const box = over.button.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const y = (event.clientY - box.top) / box.height;
    if (x < 0 || x >= 1 || y < 0 || y >= 1) return;
    for (const item of shown) {
        if (!item.cell.pixels) continue;
        const pixels = await decode(item.cell.pixels);
        const { text, colour } = describe(item.cell, pixels, ...inPicture(item, x, y));
        item.tag.replaceChildren(...(colour ? [chip(colour)] : []), text);
        item.mark.style.left = `${100 * x}%`;
        item.mark.style.top = `${100 * y}%`;
        item.button.classList.add("pointed");
    }
}

function leave() {
    for (const item of shown) item.button.classList.remove("pointed");
}

// ---------------------------------------------------------------- enlarging

function zoom(index) {
    zoomed = (index + shown.length) % shown.length;
    const { cell, title } = shown[zoomed];
    const image = make("img");
    image.src = cell.picture;
    image.alt = cell.alt;
    const caption = make("p", "", [title, cell.caption].filter(Boolean).join(": "));
    const bar = make("div", "grid-zoom-bar");
    for (const [label, sign, act] of [
        ["Previous picture", "‹", () => zoom(zoomed - 1)],
        ["Next picture", "›", () => zoom(zoomed + 1)],
        ["Close", "✕", () => dialog.close()],
    ]) {
        const button = make("button", "", sign);
        button.type = "button";
        button.setAttribute("aria-label", label);
        button.addEventListener("click", act);
        bar.append(button);
    }
    dialog.replaceChildren(image, caption, bar);
    if (!dialog.isConnected) element.append(dialog);
    if (!dialog.open) dialog.showModal();
}

dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") zoom(zoomed + 1);
    if (event.key === "ArrowLeft") zoom(zoomed - 1);
});
dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
});

// ---------------------------------------------------------------- the cells

function drawScale({ low, high, stops }) {
    const node = make("span", "grid-scale");
    const ramp = make("i");
    ramp.style.background = `linear-gradient(90deg, ${stops.join(", ")})`;
    node.append(make("span", "", number(low)), ramp, make("span", "", number(high)));
    return node;
}

function drawCell(cell, column, row, kept) {
    const figure = make("figure", "grid-cell");
    if (!cell.picture) {
        const awaited = make("div", cell.caption ? "grid-none" : "grid-awaited", cell.caption);
        figure.append(awaited);
        return figure;
    }
    const button = make("button");
    button.type = "button";
    const image = pictures.get(cell.picture) ?? make("img");
    if (!image.src) image.src = cell.picture;
    image.alt = cell.alt;
    kept.set(cell.picture, image);
    const tag = make("span", "grid-tag");
    const mark = make("i", "grid-mark");
    button.append(image, mark, tag);
    const title = [column.title, row].filter(Boolean).join(", ");
    const item = { cell, button, tag, mark, title };
    const index = shown.push(item) - 1;
    button.addEventListener("click", () => zoom(index));
    button.addEventListener("pointermove", (event) => point(event, item));
    button.addEventListener("pointerleave", leave);
    figure.append(button);
    const caption = make("figcaption");
    if (cell.scale) caption.append(drawScale(cell.scale));
    if (cell.caption) caption.append(make("span", "", cell.caption));
    if (caption.childNodes.length) figure.append(caption);
    return figure;
}

function drawHead(column) {
    const head = make("div", "grid-head");
    head.append(make("strong", "", column.title));
    if (column.note) head.append(make("span", "", column.note));
    return head;
}

function drawRowHead(value, row) {
    const head = make("div", "grid-row");
    if (value.row_colours.length) head.append(chip(value.row_colours[row]));
    head.append(make("span", "", value.rows[row]));
    return head;
}

function drawTable(value, kept) {
    grid.style.setProperty("--columns", value.columns.length);
    const nodes = value.columns.map(drawHead);
    value.rows.forEach((title, row) => {
        if (title) nodes.push(drawRowHead(value, row));
        for (const column of value.columns) {
            nodes.push(drawCell(column.cells[row], column, title, kept));
        }
    });
    return nodes;
}

function drawCards(value, kept) {
    return value.columns.map((column) => {
        const card = make("div", "grid-card");
        card.append(drawHead(column));
        column.cells.forEach((cell, row) => {
            const figure = drawCell(cell, column, value.rows[row], kept);
            if (value.rows[row]) figure.prepend(make("span", "grid-what", value.rows[row]));
            card.append(figure);
        });
        return card;
    });
}

// ---------------------------------------------------------------- two columns that can be wiped

function setWipe() {
    grid.classList.toggle("wiped", wipe.on);
    grid.style.setProperty("--wipe", `${wipe.place}%`);
}

function drawWipeBar(value) {
    const bar = make("div", "grid-wipe");
    const slider = make("input");
    Object.assign(slider, { type: "range", min: 0, max: 100, value: wipe.place });
    slider.setAttribute("aria-label", `Wipe from ${value.columns[0].title} to ${value.columns[1].title}`);
    slider.hidden = !wipe.on;
    slider.addEventListener("input", () => {
        wipe.place = Number(slider.value);
        setWipe();
    });
    const buttons = ["Side by side", "Wipe"].map((label, index) => {
        const button = make("button", "", label);
        button.type = "button";
        button.addEventListener("click", () => {
            wipe.on = index === 1;
            slider.hidden = !wipe.on;
            buttons.forEach((other, at) => other.setAttribute("aria-pressed", (at === 1) === wipe.on));
            setWipe();
        });
        button.setAttribute("aria-pressed", (index === 1) === wipe.on);
        return button;
    });
    bar.append(...buttons, slider);
    return bar;
}

function draw() {
    // A grid that is shown for the first time may find gradio's own "no change" in place of its
    // value, which follows.
    const value = props.value?.columns ? props.value : null;
    const kept = new Map();
    shown = [];
    grid.classList.toggle("empty", !value);
    if (!value) {
        grid.replaceChildren();
        return;
    }
    const left = grid.scrollLeft;
    grid.dataset.layout = value.layout;
    grid.style.setProperty("--aspect", value.aspect);
    const pair = value.layout === "pair";
    const nodes = pair || value.layout === "table" ? drawTable(value, kept) : drawCards(value, kept);
    grid.replaceChildren(...(pair ? [drawWipeBar(value)] : []), ...nodes);
    setWipe();
    grid.scrollLeft = left;
    grid.dataset.awaited = grid.querySelectorAll(".grid-awaited").length;
    pictures = kept;
    const inUse = new Set(shown.map((item) => item.cell.pixels));
    for (const address of decodedPixels.keys()) {
        if (!inUse.has(address)) decodedPixels.delete(address);
    }
}

watch("value", draw);
draw();
