// What lies over the picture and is no picture: boxes around defects, protected regions, the wipe's edge, the stroke under the hand.

import { at, eachFrame, say } from "./dom.js";
import { aspect, hair, mainPane, scale, toScreen } from "./geometry.js";
import { lineColour } from "./legend.js";
import { known } from "./pictures.js";
import { on, state } from "./state.js";

export const draft = { tool: null, points: [], pointer: null }; // what is being drawn, in film pixels (x, y)
export const draw = eachFrame(drawNow);

export function start() {
  on("frame frame-known origin view wipe zoom middle film defect outlines tool brush playing size decided legend", draw);
}

function drawNow() {
  const canvas = at("marks");
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!state.film || ["sheet", "stages"].includes(state.view)) return;
  const pane = mainPane();
  context.save();
  context.beginPath();
  context.rect(pane.left, pane.top, pane.width, pane.height);
  context.clip();
  const told = known(state.frame);
  if (told && state.outlines && !state.playing) {
    for (const kept of told.protections) if (kept.live) drawProtection(context, kept);
    if (state.origin) for (const defect of told.defects) if (generated(defect)) drawHatch(context, defect);
    for (const defect of told.defects) if (!defect.aside && defect.id !== state.defect?.id) drawOutline(context, defect);
  }
  if (state.defect?.frame === state.frame && !state.playing) drawAtHand(context, state.defect);
  context.restore();
  if (state.view === "wipe") drawEdge(context);
  drawDraft(context);
}

/** A box on the screen with some room around it: [left, top, width, height]. */
function framed([top, left, bottom, right], room) {
  const [x, y] = toScreen(left, top);
  const [x2, y2] = toScreen(right, bottom);
  return [Math.round(x - room) + 0.5, Math.round(y - room) + 0.5, Math.round(x2 - x + 2 * room), Math.round(y2 - y + 2 * room)];
}

/** Light line over a dark one: to be seen on any picture. */
function both(context, draw_, light = "#e0e0e0") {
  context.strokeStyle = "#000000b0";
  context.lineWidth = 3 * hair();
  draw_();
  context.strokeStyle = light;
  context.lineWidth = hair();
  draw_();
}

function drawOutline(context, defect) {
  const box = framed(defect.box, 3 * hair());
  context.setLineDash(defect.status === "held" ? [6 * hair(), 4 * hair()] : []);
  context.globalAlpha = defect.status === "rejected" ? 1 : 0.75;
  const drawSign = () => {
    context.strokeRect(...box);
    if (defect.status === "rejected") crossOut(context, box);
  };
  both(context, drawSign, lineColour(defect.status));
  context.globalAlpha = 1;
  context.setLineDash([]);
}

/** The line through a rejected one, as on the server's pictures and on every sign. */
function crossOut(context, [left, top, wide, high]) {
  context.beginPath();
  context.moveTo(left, top + high);
  context.lineTo(left + wide, top);
  context.stroke();
}

function generated(defect) {
  return defect.engine === "diffusion" && defect.status === "accepted" && !defect.aside;
}

/** Pixels that no frame shows: hatched, so that they are told from real film without colours too. */
function drawHatch(context, defect) {
  const [left, top, wide, high] = framed(defect.box, 0);
  const step = 5 * hair();
  context.save();
  context.beginPath();
  context.rect(left, top, wide, high);
  context.clip();
  context.beginPath();
  for (let x = left - high; x < left + wide; x += step) {
    context.moveTo(x, top + high);
    context.lineTo(x + high, top);
  }
  context.strokeStyle = "#000000b0";
  context.lineWidth = hair();
  context.stroke();
  context.restore();
}

/** Corners around the defect at hand, so that it is not covered. */
function drawAtHand(context, defect) {
  const [left, top, wide, high] = framed(defect.box, 7 * hair());
  const arm = Math.max(7 * hair(), Math.min(wide, high) / 4);
  both(
    context,
    () => {
      context.beginPath();
      for (const [x, y, sx, sy] of [
        [left, top, 1, 1],
        [left + wide, top, -1, 1],
        [left, top + high, 1, -1],
        [left + wide, top + high, -1, -1],
      ]) {
        context.moveTo(x + sx * arm, y);
        context.lineTo(x, y);
        context.lineTo(x, y + sy * arm);
      }
      context.stroke();
    },
    "#ffffff",
  );
  if (defect.status === "rejected") {
    both(context, () => crossOut(context, [left, top, wide, high]), lineColour("rejected"));
  }
}

function drawProtection(context, kept) {
  const [left, top, wide, high] = framed(kept.box, 0);
  context.setLineDash([1, 4]);
  both(context, () => context.strokeRect(left, top, wide, high), "#ffffff");
  context.setLineDash([]);
  const size = 11 * hair();
  context.font = `${size}px system-ui, sans-serif`;
  context.fillStyle = "#000000b0";
  const text = say("protected", { start: kept.start, last: kept.stop - 1 });
  const line = Math.max(top, size * 1.5); // inside of the region where there is no room above it
  context.fillRect(left, line - size * 1.5, context.measureText(text).width + size, size * 1.5);
  context.fillStyle = "#ffffff";
  context.fillText(text, left + size / 2, line - size * 0.4);
}

function drawEdge(context) {
  const [x] = toScreen(state.wipe * state.film.width, 0);
  const { height } = context.canvas;
  both(context, () => {
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, 0);
    context.lineTo(Math.round(x) + 0.5, height);
    context.stroke();
  });
  context.fillStyle = "#e0e0e0";
  const size = 7 * hair();
  for (const side of [-1, 1]) {
    context.beginPath();
    context.moveTo(x + side * 2 * size, height / 2);
    context.lineTo(x + side * size * 0.7, height / 2 - size);
    context.lineTo(x + side * size * 0.7, height / 2 + size);
    context.fill();
  }
}

function drawDraft(context) {
  const { tool, points, pointer } = draft;
  const wide = Math.max(1, state.brush * scale());
  if (pointer && ["brush", "line", "reveal", "erase"].includes(state.tool)) {
    const [x, y] = toScreen(...pointer);
    both(
      context,
      () => {
        context.beginPath();
        context.ellipse(x, y, (wide * aspect()) / 2, wide / 2, 0, 0, 2 * Math.PI);
        context.stroke();
      },
      "#ffffff",
    );
  }
  if (!points.length) return;
  const closed = tool === "lasso" || tool === "protect";
  context.beginPath();
  points.forEach(([x, y], index) => context[index ? "lineTo" : "moveTo"](...toScreen(x, y)));
  if (closed) {
    context.closePath();
    context.fillStyle = "#ffffff30";
    context.fill();
    both(context, () => context.stroke(), "#ffffff");
    return;
  }
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = "#ffffff70";
  context.lineWidth = wide;
  if (points.length === 1) context.lineTo(...toScreen(...points[0]));
  context.stroke();
  context.lineCap = "butt";
}
