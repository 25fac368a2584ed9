/** @file Calls foreign code whose failure must not cost the session a message. */

/** @param {() => void} call */
export function sparing(call) {
  try {
    call();
  } catch (error) {
    console.error(error);
  }
}
