// Pictures of the film: asked for once, decoded off the main thread, kept while there is room, fetched ahead of the hand.

import { get, withQuery } from "./api.js";
import { state } from "./state.js";

const ROOM = 400e6; // bytes of decoded pictures that are kept
const AT_ONCE = 4; // pictures under way that were asked for ahead of time

const UNTOUCHED = { defects: [], protections: [], neighbours: [], version: null }; // a frame of a film that was not restored yet

const kept = new Map(); // URL → { promise, bitmap, bytes }
const frames = new Map(); // frame → promise of what the server says of it
const ahead = [];
let bytes = 0;
let running = 0;

/** Where a frame's picture lies. `what` holds the view and, for a crop, `crop` as [left, top, right, bottom] in film pixels. */
export function address(frame, { crop = null, version = null, toned = true, ...query }) {
  const place = crop ? { left: crop[0], top: crop[1], right: crop[2], bottom: crop[3] } : {};
  const lasting = query.view === "before" || query.only ? "scan" : version; // no decision changes these
  return withQuery(`/api/frames/${frame}/picture`, { ...query, ...place, ...(toned ? tones() : {}), v: lasting });
}

function tones() {
  const { look, gamma, channel } = state.tone;
  return {
    tone: look === "display" ? null : look,
    gamma: gamma === 1 ? null : gamma,
    channels: channel === "rgb" ? null : channel,
  };
}

/** The picture at `url` as a bitmap. */
export function picture(url) {
  const known = kept.get(url);
  if (known) {
    kept.delete(url); // last used goes last
    kept.set(url, known);
    return known.promise;
  }
  const entry = { bitmap: null, bytes: 0 };
  entry.promise = load(url, entry).catch((error) => {
    kept.delete(url);
    throw error;
  });
  kept.set(url, entry);
  return entry.promise;
}

/** The bitmap at `url` if it is here already. */
export function ready(url) {
  return kept.get(url)?.bitmap ?? null;
}

async function load(url, entry) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.error?.sentence ?? `${answer.status}`);
  entry.bitmap = await createImageBitmap(await answer.blob());
  entry.bytes = entry.bitmap.width * entry.bitmap.height * 4;
  bytes += entry.bytes;
  for (const [old, one] of kept) {
    if (bytes <= ROOM || old === url) break;
    if (!one.bitmap) continue;
    kept.delete(old);
    bytes -= one.bytes;
    one.bitmap = null; // whoever draws it now still holds it; memory goes with the last hold
  }
  return entry.bitmap;
}

/** Fetch pictures before they are needed; a new list replaces what is still waiting. */
export function fetchAhead(urls) {
  ahead.length = 0;
  ahead.push(...urls.filter((url) => !kept.has(url)));
  next();
}

function next() {
  while (running < AT_ONCE && ahead.length) {
    running += 1;
    const done = () => {
      running -= 1;
      next();
    };
    picture(ahead.shift()).then(done, done);
  }
}

/** What the server says of a frame: its defects, neighbours, protections and the version of its pictures. */
export function about(frame) {
  if (state.project?.begun === false) return Promise.resolve(UNTOUCHED);
  if (!frames.has(frame)) {
    const asked = get(`/api/frames/${frame}`);
    frames.set(frame, asked);
    asked.then(
      (found) => (asked.found = found),
      () => frames.delete(frame),
    );
  }
  return frames.get(frame);
}

/** The same if it is known already, else null. */
export function known(frame) {
  return frames.get(frame)?.found ?? null;
}

/** Forget what was said of frames (all of them without a list): somebody changed something. */
export function forget(list = null) {
  if (list === null) frames.clear();
  else for (const frame of list) frames.delete(frame);
}
