/** @file The command `pagewire-headless`: its arguments, its signals, its exit code. */

import { parseArgs } from "node:util";
import { noticeText } from "../notices.js";
import { headlessClient } from "./headless.js";

/** @import {End} from "../core/actions.js" */

export const HELP = `Usage: pagewire-headless URL [--downloads DIR] [--app NAME]

Connects to a Pagewire server and runs what it sends, in this process:
connect only to a server that you trust.

  URL              of the server's WebSocket: ws://... or wss://...
  --downloads DIR  where files are saved (default: downloads)
  --app NAME       the app to run (default: index)
  --help           shows this text

Exit codes: 0 the session has ended, 1 it was refused or broken, 2 bad usage.
`;

const GOOD_ENDS = new Set(["session_ended", "client_left"]);

/**
 * Runs until the session has ended.
 *
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
export async function main(args) {
  const options = readArguments(args);
  if (typeof options === "string") {
    console.error(`pagewire-headless: ${options}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  return report(await runSession(options));
}

/** @param {string[]} args */
function readArguments(args) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        app: { type: "string", default: "index" },
        downloads: { type: "string", default: "downloads" },
        help: { type: "boolean", default: false },
      },
    });
    return { ...values, url: values.help ? new URL("ws://localhost") : readUrl(positionals) };
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/** @param {string[]} positionals */
function readUrl(positionals) {
  const [text, ...rest] = positionals;
  if (text === undefined || rest.length > 0) throw new Error("takes one URL");
  const url = new URL(text);
  if (!/^wss?:$/.test(url.protocol)) throw new Error(`no ws: or wss: URL: ${text}`);
  return url;
}

/** @param {{ url: URL, app: string, downloads: string }} options */
function runSession(options) {
  const client = headlessClient(options);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => client.close());
  // As in a page, what the server's code leaves uncaught is told and ends nothing.
  for (const event of ["uncaughtException", "unhandledRejection"]) process.on(event, console.error);
  client.onnotice((notice) => console.error(`pagewire-headless: ${noticeText(notice)}`));
  client.open();
  return client.ended;
}

/** @param {End} end */
function report({ code, message }) {
  if (GOOD_ENDS.has(code)) return 0;
  console.error(`pagewire-headless: ${code}: ${message}`);
  return 1;
}
