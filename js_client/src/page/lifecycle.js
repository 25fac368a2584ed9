/** @file How a session ends with its page, and how it begins anew. */

import { Backoff } from "../core/reconnecting.js";

/** @import {Client} from "../client.js" */

/**
 * Leaves the session with the page, and loads the page again where it comes back (END-6).
 *
 * @param {Client} client
 */
export function leaveWithPage(client) {
  window.addEventListener("pagehide", () => client.close());
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
  });
}

/**
 * Loads the page again once its server answers (END-3).
 *
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
