/** @file The client for pages: connects a page to a Pagewire server. */

import { Client } from "./client.js";
import { pageEnvironment } from "./page/environment.js";
import { leaveWithPage } from "./page/lifecycle.js";

/** @import {ClientOptions, ClientState, FrameListener} from "./client.js" */
/** @import {Notice} from "./core/actions.js" */
/** @import {PageParts} from "./page/environment.js" */
/** @import {HelloParams, PageInfo} from "./protocol/generated/messages.js" */

export { Client } from "./client.js";
export { compileAsyncFunction } from "./commands/scripts.js";
export { InputPanel } from "./page/input_panel.js";
export { reloadWhenServed } from "./page/lifecycle.js";
export { Output } from "./page/output.js";
export { TransferList } from "./page/transfer_list.js";

/** The largest message that this client accepts, in bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

const SOFTWARE = { name: "pagewire-js", version: "0.1.0" };

/**
 * @typedef {object} ConnectOptions
 * @property {string | URL} url of the server's WebSocket: `ws:` or `wss:`
 * @property {string} [app] `index` if not given
 * @property {unknown} [auth] for the server's own check: any JSON, or a function that returns it at each attempt
 * @property {HelloParams["capabilities"]} [capabilities] beside `streams`
 * @property {PageParts} [parts] of the page, on which commands act
 * @property {ClientOptions["environment"]} [environment] in place of the page's
 * @property {HelloParams["page"]} [page] what the server learns of the page
 * @property {(state: ClientState) => void} [onstate]
 * @property {(notice: Notice) => void} [onnotice]
 * @property {FrameListener} [observe] is given every frame, both ways
 * @property {ClientOptions["renew"]} [renew] what to do where the server wants a new instance; a page loads itself again
 */

/**
 * Connects, installs `pagewire.emit` for scripts, and leaves with the page.
 *
 * @param {ConnectOptions} options
 * @returns {Client}
 */
export function connect({
  url,
  app = "index",
  auth,
  capabilities = {},
  page,
  onstate,
  onnotice,
  ...options
}) {
  const client = new Client({
    url: new URL(url),
    hello: {
      client: SOFTWARE,
      app,
      capabilities: { streams: {}, ...capabilities },
      page: page ?? describePage(),
      maxMessageBytes: MAX_MESSAGE_BYTES,
      ...(auth === undefined ? {} : { auth }),
    },
    environment: options.environment ?? pageEnvironment(options.parts),
    ...(options.observe && { observe: options.observe }),
    ...(options.renew && { renew: options.renew }),
  });
  if (onstate !== undefined) client.onstate(onstate);
  if (onnotice !== undefined) client.onnotice(onnotice);
  leaveWithPage(client);
  client.open();
  return client;
}

/** What a server learns of the page (HELLO-9). @returns {PageInfo} */
function describePage() {
  const url = new URL(location.href);
  url.hash = "";
  return {
    url: url.href,
    language: navigator.language,
    languages: [...navigator.languages].slice(0, 64),
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}
