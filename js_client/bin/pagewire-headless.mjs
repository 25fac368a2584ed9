#!/usr/bin/env node
/** @file Starts the headless client, with the flag that Node 20 needs for WebSockets. */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { main } from "../src/node/main.js";

const WEBSOCKET_FLAG = "--experimental-websocket";

if (globalThis.WebSocket === undefined && !process.execArgv.includes(WEBSOCKET_FLAG)) {
  runAgainWithWebSocket();
} else {
  process.once("disconnect", () => process.exit(1)); // the process that started this one was killed
  process.exit(await main(process.argv.slice(2)));
}

function runAgainWithWebSocket() {
  const script = fileURLToPath(import.meta.url);
  const args = [...process.execArgv, WEBSOCKET_FLAG, script, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  /** @type {NodeJS.Signals[]} */
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
}
