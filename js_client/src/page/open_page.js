/** @file Connects a page that has the parts of the reference page: its status line, output area and input panel. */

import { connect } from "../index.js";
import { serverUrl } from "../urls.js";
import { InputPanel } from "./input_panel.js";
import { reloadWhenServed } from "./lifecycle.js";
import { Output } from "./output.js";
import { Status } from "./status.js";

/** @import {ConnectOptions} from "../index.js" */

/**
 * @param {Pick<ConnectOptions, "observe" | "onstate" | "onnotice">} [listeners]
 * @returns {ReturnType<typeof connect>}
 */
export function openPage({ onstate, onnotice, ...listeners } = {}) {
  const status = new Status(pagePart("pagewire-status"));
  return connect({
    url: serverUrl(location.href),
    app: new URLSearchParams(location.search).get("app") || "index", // HELLO-5
    parts: {
      output: new Output(pagePart("pagewire-output")),
      inputPanel: new InputPanel(pagePart("pagewire-input")),
      offerLink: status.offerLink,
      showTransfer: status.showTransfer,
    },
    renew: reloadWhenServed,
    ...listeners,
    onstate: (state) => {
      status.show(state);
      onstate?.(state);
    },
    onnotice: (notice) => {
      status.notify(notice);
      onnotice?.(notice);
    },
  });
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 * @throws {Error} if the page has no such element
 */
export function pagePart(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}
