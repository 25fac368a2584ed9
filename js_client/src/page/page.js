/** @file The reference page: connects as soon as it is loaded. */

import { connect } from "../index.js";
import { InputPanel } from "./input_panel.js";
import { Output } from "./output.js";
import { reloadWhenServed } from "./renewal.js";
import { serverUrl } from "./server_url.js";
import { Status } from "./status.js";

const status = new Status(part("pagewire-status"));

/** The page's connection to its server. */
export const client = connect({
  url: serverUrl(location.href),
  app: new URLSearchParams(location.search).get("app") || "index", // HELLO-5
  parts: {
    output: new Output(part("pagewire-output")),
    inputPanel: new InputPanel(part("pagewire-input")),
    offerLink: status.offerLink,
  },
  onstate: (state) => status.show(state),
  renew: reloadWhenServed,
});

/** @param {string} id */
function part(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}
