"use strict";

const plot = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const AXES = { step: "step", epoch: "epoch", time: "time" };
const HEIGHT = 300, LEFT = 62, RIGHT = 12, TOP = 10, BOTTOM = 42;
const state = { axis: plot.axis, log: false, smooth: 0, span: null, hidden: new Set(), lit: null, at: null };

function make(name, attributes, parent, text) {
  const svg = ["svg", "path", "line", "rect", "text", "g"].includes(name);
  const node = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}

// Numbers and axes

function write(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e9 || (size < 1e-4 && size > 0)) return value.toExponential(3).replace(/\.?0+e/, "e");
  if (size >= 1e4) return value.toLocaleString("en", { maximumSignificantDigits: 9 });
  return String(Number(value.toPrecision(5)));
}

function writeTime(seconds) {
  if (seconds < 60) return `${Number(seconds.toFixed(2))} s`;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  if (!parts[0]) parts.shift();
  return parts.map((part, place) => (place ? String(part).padStart(2, "0") : part)).join(":");
}

function marks(low, high, most) {
  const rough = (high - low) / most, unit = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5].find((each) => each * unit >= rough * 0.999) || 10;
  const found = [], distance = factor * unit;
  for (let n = Math.ceil(low / distance - 1e-9); n <= high / distance + 1e-9; n += 1) found.push(n * distance);
  return found;
}

function logMarks(low, high) {
  const powers = [], first = Math.ceil(low - 1e-9), every = Math.max(1, Math.ceil((high - low) / 6));
  for (let power = first; power <= high + 1e-9; power += every) powers.push(power);
  return powers.length > 2 ? powers : marks(10 ** low, 10 ** high, 5).filter((mark) => mark > 0).map(Math.log10);
}

function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) if (Number.isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
  if (low > high) return [0, 1];
  const room = Math.abs(low) / 4 || 0.5;
  return low < high ? [low, high] : [low - room, high + room];
}

function timeUnit(seconds) {
  return [[3600, "h"], [60, "min"], [1, "s"]].find(([length]) => seconds >= length) || [1, "s"];
}

// Curves

const shown = (panel) => panel.curves.filter((curve) => !state.hidden.has(curve.run));
const height = (value) => (value === null ? null : state.log ? (value > 0 ? Math.log10(value) : null) : value);

function smoothed(values) {
  if (!state.smooth) return values;
  let last = 0, weight = 0; // the weight takes back that the mean began at zero
  return values.map((value) => {
    if (value === null) return null;
    last = last * state.smooth + (1 - state.smooth) * value;
    weight = weight * state.smooth + (1 - state.smooth);
    return last / weight;
  });
}

function line(xs, ys, frame) {
  let words = "", begins = true;
  xs.forEach((x, place) => {
    const y = height(ys[place]);
    if (x === null || y === null) { begins = true; return; }
    words += `${begins ? "M" : "L"}${frame.x(x)} ${frame.y(y)}${begins ? "h0" : ""}`;
    begins = false;
  });
  return words;
}

function band(xs, lows, highs, frame) {
  let words = "", piece = [];
  const close = () => {
    const up = piece.map(([x, , high]) => `${frame.x(x)} ${frame.y(high)}`);
    const down = piece.map(([x, low]) => `${frame.x(x)} ${frame.y(low)}`).reverse();
    if (piece.length) words += `M${up.concat(down).join("L")}Z`;
    piece = [];
  };
  xs.forEach((x, place) => {
    const low = height(lows[place]), high = height(highs[place]);
    if (x === null || low === null || high === null) close();
    else piece.push([x, low, high]);
  });
  close();
  return words;
}

function makeFrame(panel, width) {
  const within = (x) => x !== null && (!state.span || (x >= state.span[0] && x <= state.span[1]));
  const curves = shown(panel);
  const all = plot.panels.flatMap((each) => shown(each).flatMap((curve) => curve[state.axis]));
  const xs = state.span || extent(all.map((x) => (x === null ? NaN : x)));
  const ys = extent(curves.flatMap((curve) => curve[state.axis].flatMap((x, place) =>
    within(x) ? [height(curve.low[place]), height(curve.high[place])].map((y) => (y === null ? NaN : y)) : [])));
  const tenth = (number) => Math.round(number * 10) / 10;
  return {
    xs, ys,
    x: (value) => tenth(LEFT + ((value - xs[0]) / (xs[1] - xs[0])) * (width - LEFT - RIGHT)),
    y: (value) => tenth(TOP + (1 - (value - ys[0]) / (ys[1] - ys[0])) * (HEIGHT - TOP - BOTTOM)),
    back: (pixel) => xs[0] + ((pixel - LEFT) / (width - LEFT - RIGHT)) * (xs[1] - xs[0]),
  };
}

function drawGrid(svg, frame, width) {
  const bottom = HEIGHT - BOTTOM;
  for (const mark of state.log ? logMarks(...frame.ys) : marks(...frame.ys, 5)) {
    make("path", { class: "grid", d: `M${LEFT} ${frame.y(mark)}H${width - RIGHT}` }, svg);
    const text = write(Number((state.log ? 10 ** mark : mark).toPrecision(12)));
    make("text", { x: LEFT - 8, y: frame.y(mark) + 4, "text-anchor": "end" }, svg, text);
  }
  const [length, unit] = state.axis === "time" ? timeUnit(frame.xs[1]) : [1, ""];
  const most = Math.max(2, Math.floor(width / 100));
  for (const mark of marks(frame.xs[0] / length, frame.xs[1] / length, most)) {
    const x = frame.x(mark * length);
    make("path", { class: "grid", d: `M${x} ${bottom}v5` }, svg);
    make("text", { x, y: bottom + 18, "text-anchor": "middle" }, svg, write(Number(mark.toPrecision(12))));
  }
  const name = unit ? `${AXES[state.axis]} (${unit})` : AXES[state.axis];
  make("text", { x: (LEFT + width - RIGHT) / 2, y: bottom + 36, "text-anchor": "middle" }, svg, name);
}

function drawCurve(svg, curve, frame) {
  const { colour, dashes } = plot.runs[curve.run], xs = curve[state.axis];
  const group = make("g", { class: state.lit !== null && state.lit !== curve.run ? "lost" : "" }, svg);
  const pen = { stroke: colour, "stroke-dasharray": dashes };
  if (curve.every > 1) make("path", { class: "band", fill: colour, stroke: colour, d: band(xs, curve.low, curve.high, frame) }, group);
  if (state.smooth) make("path", { ...pen, class: "line faint", d: line(xs, curve.mean, frame) }, group);
  make("path", { ...pen, class: "line", d: line(xs, smoothed(curve.mean), frame) }, group);
  for (const place of Object.keys(curve.odd)) {
    if (xs[place] !== null) make("path", { class: "odd", d: `M${frame.x(xs[place])} ${HEIGHT - BOTTOM}v6` }, group);
  }
}

const charts = plot.panels.map((panel, number) => {
  const box = document.getElementById(`chart-${number}`);
  const svg = make("svg", { tabindex: "0", role: "img", height: HEIGHT }, box);
  const tip = make("div", { class: "tip", hidden: "" }, box);
  return { panel, box, svg, tip, width: 0, frame: null };
});

function drawChart(chart) {
  const { panel, svg } = chart;
  chart.width = Math.max(280, chart.box.clientWidth);
  chart.frame = makeFrame(panel, chart.width);
  svg.setAttribute("viewBox", `0 0 ${chart.width} ${HEIGHT}`);
  svg.setAttribute("aria-label", `${panel.metric} over ${state.axis}, ${shown(panel).length} runs. Left and right arrow keys read values.`);
  svg.replaceChildren();
  const clip = make("svg", { x: LEFT - 2, y: 0, width: chart.width - LEFT - RIGHT + 4, height: HEIGHT,
    viewBox: `${LEFT - 2} 0 ${chart.width - LEFT - RIGHT + 4} ${HEIGHT}` });
  drawGrid(svg, chart.frame, chart.width);
  svg.append(clip);
  for (const curve of shown(panel)) drawCurve(clip, curve, chart.frame);
  chart.cursor = make("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" }, svg);
  chart.zoom = make("rect", { class: "zoom", y: TOP, height: HEIGHT - TOP - BOTTOM, visibility: "hidden" }, svg);
}

function draw() {
  charts.forEach(drawChart);
  document.getElementById("whole").disabled = !state.span;
  point(state.at, null);
}

// Values under the pointer

function nearest(curve, x) {
  let best = -1, distance = Infinity;
  curve[state.axis].forEach((each, place) => {
    if (each !== null && Math.abs(each - x) < distance) { best = place; distance = Math.abs(each - x); }
  });
  return best;
}

function describe(curve, place) {
  const value = curve.mean[place], odd = curve.odd[place], notes = [];
  if (value === null) return ["not finite", ""];
  if (state.smooth) notes.push(`${write(value)} before smoothing`);
  if (curve.every > 1) notes.push(`${write(curve.low[place])} to ${write(curve.high[place])}`);
  if (odd) notes.push(`${odd} not finite`);
  return [write(smoothed(curve.mean)[place]), notes.join(", ")];
}

function place(curve, at) {
  const step = `step ${write(curve.step[at])}`, epoch = curve.epoch[at];
  return [step, epoch === null ? "" : `epoch ${write(epoch)}`, writeTime(curve.time[at])].filter(Boolean).join(", ");
}

function point(x, chart) {
  state.at = x;
  for (const each of charts) {
    const curves = shown(each.panel), visible = x !== null && curves.length > 0;
    each.cursor.setAttribute("visibility", visible ? "visible" : "hidden");
    each.tip.hidden = !visible;
    if (!visible) continue;
    const across = each.frame.x(x);
    each.cursor.setAttribute("x1", across);
    each.cursor.setAttribute("x2", across);
    fillTip(each, curves, x);
    const left = across < each.width / 2;
    each.tip.style.left = left ? `${across + 14}px` : "auto";
    each.tip.style.right = left ? "auto" : `${each.width - across + 14}px`;
  }
  if (chart && x !== null) speak(chart, x);
}

function fillTip(chart, curves, x) {
  const rows = curves.map((curve) => [curve, nearest(curve, x)]).filter(([, at]) => at >= 0);
  chart.tip.replaceChildren();
  if (!rows.length) { chart.tip.hidden = true; return; }
  const [first, at] = rows.reduce((one, other) => (Math.abs(one[0][state.axis][one[1]] - x) <= Math.abs(other[0][state.axis][other[1]] - x) ? one : other));
  make("div", {}, chart.tip, place(first, at));
  const table = make("table", {}, chart.tip);
  for (const [curve, where] of rows) {
    const row = make("tr", {}, table), run = plot.runs[curve.run];
    make("td", {}, row).append(swatch(run));
    make("td", {}, row, run.label);
    const [value, notes] = describe(curve, where);
    make("td", { class: "number" }, row, value);
    if (notes) make("td", { class: "range" }, row, notes);
  }
}

function speak(chart, x) {
  const words = shown(chart.panel).map((curve) => [curve, nearest(curve, x)]).filter(([, at]) => at >= 0)
    .map(([curve, at]) => `${plot.runs[curve.run].label}: ${describe(curve, at)[0]} at ${place(curve, at)}`);
  document.getElementById("spoken").textContent = `${chart.panel.metric}. ${words.join(". ")}`;
}

function swatch(run) {
  const svg = make("svg", { width: 22, height: 10, "aria-hidden": "true" });
  make("path", { class: "line", d: "M1 5h20", stroke: run.colour, "stroke-dasharray": run.dashes, style: "stroke-width:3" }, svg);
  return svg;
}

// What the reader does

function listen(chart) {
  const { svg } = chart;
  let begin = null;
  const inside = (event) => {
    const bounds = svg.getBoundingClientRect();
    const pixel = ((event.clientX - bounds.left) / bounds.width) * chart.width;
    return Math.min(chart.width - RIGHT, Math.max(LEFT, pixel));
  };
  svg.addEventListener("pointermove", (event) => {
    const pixel = inside(event);
    if (begin !== null) {
      chart.zoom.setAttribute("visibility", "visible");
      chart.zoom.setAttribute("x", Math.min(begin, pixel));
      chart.zoom.setAttribute("width", Math.abs(pixel - begin));
    }
    point(chart.frame.back(pixel), null);
  });
  svg.addEventListener("pointerleave", () => point(null, null));
  svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) { begin = inside(event); svg.setPointerCapture(event.pointerId); }
  });
  svg.addEventListener("pointercancel", () => { begin = null; draw(); });
  svg.addEventListener("pointerup", (event) => {
    const end = inside(event);
    if (begin !== null && Math.abs(end - begin) > 8) state.span = [begin, end].sort((a, b) => a - b).map(chart.frame.back);
    begin = null;
    draw();
  });
  svg.addEventListener("dblclick", () => { state.span = null; draw(); });
  svg.addEventListener("blur", () => point(null, null));
  svg.addEventListener("keydown", (event) => walk(chart, event));
}

function walk(chart, event) {
  const way = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity, Escape: 0 }[event.key];
  if (way === undefined) return;
  event.preventDefault();
  if (way === 0) { state.span = null; state.at = null; draw(); return; }
  const [low, high] = chart.frame.xs;
  const xs = [...new Set(shown(chart.panel).flatMap((curve) => curve[state.axis]))]
    .filter((x) => x !== null && x >= low && x <= high).sort((a, b) => a - b);
  if (!xs.length) return;
  let now = state.at === null ? (way < 0 ? xs.length : -1) : xs.findIndex((x) => x >= state.at);
  if (now < 0 && state.at !== null) now = xs.length - 1;
  point(xs[Math.min(xs.length - 1, Math.max(0, now + way))], chart);
}

function listRuns() {
  const list = document.getElementById("runs");
  plot.runs.forEach((run, number) => {
    const button = make("button", { type: "button", "aria-pressed": "true", title: run.title }, make("li", {}, list));
    button.append(swatch(run), run.label);
    button.addEventListener("click", () => {
      if (!state.hidden.delete(number)) state.hidden.add(number);
      button.setAttribute("aria-pressed", String(!state.hidden.has(number)));
      state.lit = null;
      draw();
    });
    const light = (value) => () => { if (plot.runs.length > 1 && !state.hidden.has(number)) { state.lit = value; draw(); } };
    button.addEventListener("pointerenter", light(number));
    button.addEventListener("pointerleave", light(null));
  });
}

for (const radio of document.querySelectorAll("input[name=axis]")) {
  radio.checked = radio.value === state.axis;
  radio.addEventListener("change", () => { state.axis = radio.value; state.span = null; state.at = null; draw(); });
}
document.getElementById("log").addEventListener("change", (event) => { state.log = event.target.checked; draw(); });
document.getElementById("smooth").addEventListener("input", (event) => {
  state.smooth = Number(event.target.value);
  event.target.setAttribute("aria-valuetext", state.smooth ? `${Math.round(state.smooth * 100)} percent` : "off");
  draw();
});
document.getElementById("whole").addEventListener("click", () => { state.span = null; draw(); });
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
listRuns();
charts.forEach(listen);
new ResizeObserver(draw).observe(document.getElementById("charts"));
draw();
