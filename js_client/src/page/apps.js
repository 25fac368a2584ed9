/** @file Goes to another app of the server (SPEC section 5.6). */

import { CommandError } from "../commands/command_error.js";
import { withQueryParameter } from "../query.js";

/** @import {Outcome} from "../commands/commands.js" */
/** @import {OfferLink} from "./environment.js" */

/**
 * @param {string} app
 * @param {boolean} newWindow
 * @param {OfferLink} offerLink
 * @returns {Outcome}
 */
export function openApp(app, newWindow, offerLink) {
  const url = withQueryParameter(location.href, "app", app).href; // APP-1
  if (!newWindow) return { result: "{}", afterwards: () => location.assign(url) }; // APP-3
  // With `noopener`, window.open returns null even where it worked.
  const opened = window.open(url, "_blank");
  if (opened === null) {
    offerLink({ text: app, url }); // APP-5
    throw new CommandError("popup_blocked", "the browser did not open the window"); // APP-4
  }
  opened.opener = null; // APP-2
  return { result: "{}" };
}
