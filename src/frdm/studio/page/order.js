// Changes reach the server one after the other, in the order in which they were made. Decisions wait for a server that does not answer.

import { say, tell } from "./dom.js";
import { emit } from "./state.js";

const AGAIN = 1000; // milliseconds until a decision is offered once more
let last = Promise.resolve();
let waiting = 0;

/** Ask something when all changes before are through; what is changed afterwards waits until it is answered. */
export function inTurn(work) {
  const done = last.then(work);
  last = done.catch(() => null);
  return done;
}

/** Change something when all before is through; `patient` work is tried again for as long as the server is away (it must be harmless twice). */
export function inOrder(work, { patient = false } = {}) {
  waiting += 1;
  emit("sending");
  const done = inTurn(patient ? () => patiently(work) : work);
  last = last.then(() => {
    waiting -= 1;
    emit("sending");
  });
  return done;
}

async function patiently(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (error.status !== 0) throw error;
      tell(say("wrong.waiting", { n: waiting }), { wrong: true, lasting: true });
      await new Promise((done) => setTimeout(done, AGAIN));
    }
  }
}

/** All that was asked for until now is done. */
export function allDone() {
  return last;
}

/** How many changes the server has not taken yet. */
export function pending() {
  return waiting;
}
