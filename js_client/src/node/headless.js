/** @file A client without a page, which runs what a server sends in this process. */

import { Client } from "../client.js";
import { CommandError } from "../commands/errors.js";
import { compileAsyncFunction } from "../commands/scripts.js";
import { SETTING_NAMES } from "../protocol/generated/registry.js";
import { DownloadFolder } from "./download_folder.js";

/** @import {Environment, Outcome} from "../commands/commands.js" */
/** @import {ClientOptions} from "../client.js" */

/**
 * @typedef {object} HeadlessOptions
 * @property {URL} url of the server's WebSocket
 * @property {string} app
 * @property {string} downloads the folder for files; it is made if it is missing
 * @property {ClientOptions["platform"]} [platform]
 */

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/**
 * A client that has not connected yet. It announces `test` for the conformance suite.
 *
 * @param {HeadlessOptions} options
 */
export function headlessClient({ url, app, downloads, platform = {} }) {
  const folder = new DownloadFolder(downloads);
  /** @type {string | undefined} */
  let auth;
  /** @type {Client} */
  const client = new Client({
    url,
    hello: {
      client: { name: "pagewire-headless", version: "0.1.0" },
      app,
      capabilities: { streams: {}, test: {} },
      page: {},
      maxMessageBytes: MAX_MESSAGE_BYTES,
      auth: () => auth,
    },
    environment: headlessEnvironment(folder, {
      leave: () => client.close(),
      breakConnection: () => client.breakConnection(),
      useAuth: (text) => {
        auth = text;
      },
    }),
    platform,
  });
  return client;
}

/**
 * @param {DownloadFolder} folder
 * @param {{ leave: () => void, breakConnection: () => void, useAuth: (text: string) => void }} test
 * @returns {Environment}
 */
function headlessEnvironment(folder, test) {
  return {
    compile: compileAsyncFunction,
    openFile: (name) => folder.open(name),
    takesStreams: true,
    applySettings: ignoreSettings,
    openApp() {
      throw new CommandError("unsupported", "this client has no page"); // APP-6
    },
    vendorCommands: new Map([
      ["test:state", () => result({ files: folder.files, settings: {}, apps: [] })],
      ["test:leave", () => ({ ...result({}), afterwards: test.leave })],
      ["test:break", () => ({ ...result({}), afterwards: test.breakConnection })],
      [
        "test:auth",
        (/** @type {Record<string, unknown>} */ params) => {
          test.useAuth(String(params["text"]).repeat(Number(params["times"])));
          return result({});
        },
      ],
    ]),
  };
}

/**
 * Without a page no setting has an effect (ENV-2).
 *
 * @type {Environment["applySettings"]}
 */
function ignoreSettings(params) {
  return { applied: [], ignored: SETTING_NAMES.filter((name) => params[name] !== undefined) };
}

/**
 * @param {object} value
 * @returns {Outcome}
 */
function result(value) {
  return { result: JSON.stringify(value) };
}
