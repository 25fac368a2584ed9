/** @file Leaves the session with the page, and begins anew where the page comes back (END-6). */

/** @import {Client} from "../client.js" */

/** @param {Client} client */
export function leaveWithPage(client) {
  window.addEventListener("pagehide", () => client.close());
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
  });
}
