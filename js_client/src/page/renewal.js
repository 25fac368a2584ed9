/** @file Loads the page again once its server answers (END-3). */

import { Backoff } from "../session/backoff.js";

/**
 * @param {number} waitMs before the first attempt
 */
export function reloadWhenServed(waitMs) {
  const backoff = new Backoff();
  const attempt = async () => {
    if (await isServed()) location.reload();
    else setTimeout(attempt, backoff.nextAfterFailure(Math.random()));
  };
  setTimeout(attempt, waitMs);
}

async function isServed() {
  try {
    const response = await fetch(location.href, { cache: "no-store" });
    return response.ok;
  } catch {
    return false;
  }
}
