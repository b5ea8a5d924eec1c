// Pictures of the film: asked for once, decoded off the main thread, kept while there is room, fetched ahead of the hand.

import { get, withQuery } from "./api.js";
import { state } from "./state.js";

const ROOM = 400e6; // bytes of decoded pictures that are kept
const AT_ONCE = 4; // pictures under way that were asked for ahead of time
const KNOWN = 600; // frames of which is kept what the server said

const UNTOUCHED = { defects: [], protections: [], neighbours: [], version: null }; // a frame of a film that was not restored yet

const kept = new Map(); // URL → { promise, bitmap, bytes }
const frames = new Map(); // frame → promise of what the server says of it
const ahead = [];
const drawnByLoad = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);
let era = 0; // begins anew when anything may have changed
let bytes = 0;
let running = 0;

/** Where a frame's picture lies. `what` holds the view and, for a crop, `crop` as [left, top, right, bottom] in film pixels. */
export function address(frame, { crop = null, version = null, toned = true, ...query }) {
  const place = crop ? { left: crop[0], top: crop[1], right: crop[2], bottom: crop[3] } : {};
  return withQuery(`/api/frames/${frame}/picture`, { ...query, ...place, ...(toned ? tones() : {}), v: lasting(query, version) });
}

/** What a picture may be kept under for good: no decision changes the scan, few change a repair alone; another studio's are others. */
function lasting({ view, only }, version) {
  const mark = state.project?.mark ?? drawnByLoad;
  if (view === "before") return `scan-${mark}`;
  if (only) return `alone-${mark}-${drawnByLoad}-${era}`;
  return version === null ? null : `${version}-${mark}`;
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
    one.bitmap.close(); // its memory is wanted now, not when it is collected; whoever still holds it finds it empty
    one.bitmap = null;
  }
  return entry.bitmap;
}

/** How much is kept: frames, pictures, and their bytes. */
export function holding() {
  return { frames: frames.size, pictures: kept.size, bytes };
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
  const asked = frames.get(frame) ?? get(`/api/frames/${frame}`);
  frames.delete(frame); // last used goes last
  frames.set(frame, asked);
  if (asked.waited) return asked;
  asked.waited = true;
  asked.then(
    (found) => (asked.found = found),
    () => frames.get(frame) === asked && frames.delete(frame),
  );
  for (const old of frames.keys()) {
    if (frames.size <= KNOWN) break;
    frames.delete(old);
  }
  return asked;
}

/** The same if it is known already, else null. */
export function known(frame) {
  if (state.project?.begun === false) return UNTOUCHED;
  return frames.get(frame)?.found ?? null;
}

/** Forget what was said of frames (all of them without a list): somebody changed something. */
export function forget(list = null) {
  if (list === null) {
    frames.clear();
    era += 1;
  } else for (const frame of list) frames.delete(frame);
}
