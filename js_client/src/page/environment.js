/** @file What a page can do for the commands. */

import { CommandError } from "../commands/errors.js";
import { withQueryParameter } from "../urls.js";
import { openFile } from "./downloads.js";
import { pageCompiler } from "./scripts.js";
import { PageSettings } from "./settings.js";

/** @import {Environment, Outcome} from "../commands/commands.js" */
/** @import {ShowTransfer} from "../commands/downloads.js" */
/** @import {ScriptPolicy} from "./scripts.js" */
/** @import {InputPanel} from "./input_panel.js" */
/** @import {Output} from "./output.js" */

/**
 * The parts of a page on which commands act. What is not given has no effect: its settings are answered as ignored, and
 * no link is offered, no file shown while it is under way.
 *
 * @typedef {object} PageParts
 * @property {Output} [output]
 * @property {InputPanel} [inputPanel]
 * @property {OfferLink} [offerLink] shows the user a link
 * @property {ShowTransfer} [showTransfer] shows the user how far a streamed file is, and lets them give it up
 * @property {string} [nonce] of the page's scripts, where its policy forbids `unsafe-eval`
 * @property {ScriptPolicy} [trustedTypesPolicy]
 *
 * @typedef {(link: { text: string, url: string, download?: string }) => () => void} OfferLink returns what takes it away
 */

/**
 * @param {PageParts} [parts]
 * @returns {Environment}
 */
export function pageEnvironment(parts = {}) {
  const settings = new PageSettings(parts.output, parts.inputPanel);
  const offerLink = parts.offerLink ?? (() => () => {});
  return {
    compile: pageCompiler(parts),
    openFile: (name, mediaType) => openFile(name, mediaType, offerLink),
    ...(parts.showTransfer && { showTransfer: parts.showTransfer }),
    takesStreams: true,
    applySettings: (params) => settings.apply(params),
    openApp: (app, newWindow) => openApp(app, newWindow, offerLink),
    vendorCommands: new Map(),
  };
}

/**
 * Goes to another app of the server (SPEC section 5.6).
 *
 * @param {string} app
 * @param {boolean} newWindow
 * @param {OfferLink} offerLink
 * @returns {Outcome}
 */
function openApp(app, newWindow, offerLink) {
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
