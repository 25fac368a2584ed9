/** @file The client around the session: sockets, timers, instances. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { Client } from "../src/client.js";
import { compileAsyncFunction } from "../src/commands/scripts.js";
import { headlessClient } from "../src/node/headless.js";
import { chunk, runJs, streamed, welcome } from "./conversation.js";
import { FakeNetwork } from "./fake_network.js";

const URL_OF_SERVER = new URL("ws://server/ws?a=1%202#fragment");

/** @param {Partial<import("../src/client.js").ClientOptions>} [options] */
function open(options = {}) {
  const network = new FakeNetwork();
  const client = new Client({
    url: URL_OF_SERVER,
    hello: {
      client: { name: "tests", version: "1" },
      app: "index",
      capabilities: {},
      page: {},
      maxMessageBytes: 65_536,
    },
    environment: {
      compile: compileAsyncFunction,
      openFile: () => assert.fail("no file is expected"),
      takesStreams: false,
      applySettings: () => ({ applied: [], ignored: [] }),
      openApp: () => ({ result: "{}" }),
      vendorCommands: new Map(),
    },
    platform: network.platform,
    ...options,
  });
  client.open();
  network.socket.accept();
  network.socket.receive(welcome());
  return { client, network };
}

test("every connection carries the same key, and the rest of the URL as it was (WIRE-1, WIRE-4)", () => {
  const { network } = open();
  network.socket.closed(1006);
  network.advance(0);
  const [first, second] = network.sockets;
  assert.match(String(first?.url), /^ws:\/\/server\/ws\?a=1%202&key=[A-Za-z0-9_-]{16}$/);
  assert.equal(String(second?.url), String(first?.url));
  assert.equal(first?.protocol, "pagewire.v1");
  assert.equal(first?.binaryType, "arraybuffer");
});

test("a connection that could not be opened is told by error alone in Node 20 (RESUME-10)", () => {
  const { network } = open();
  network.socket.closed(1006);
  network.advance(0);
  assert.equal(network.sockets.length, 2);
  network.socket.dispatchEvent(new Event("error"));
  network.advance(500);
  assert.equal(network.sockets.length, 3);
});

test("a new instance is made of 256 random bits, the same in every hello (HELLO-4)", () => {
  const { network } = open();
  network.socket.closed(1006);
  network.advance(0);
  network.socket.accept();
  const [first, second] = network.sockets.map(({ sent }) => sent[0]?.["params"].instance);
  assert.match(first, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(second, first);
});

test("the synchronous part of code has run when the message is taken (RUN-5)", () => {
  const { network } = open();
  network.socket.receive(
    runJs(1, { params: { code: "pagewire.emit('ran', x); await 0;", args: { x: 5 } } }),
  );
  const event = { type: "event", seq: 1, params: { name: "ran", data: 5 } };
  assert.deepEqual(network.socket.sent.at(-1), event);
});

test("an event that a listener sends on connecting keeps the order of seq", () => {
  const { client, network } = open();
  network.socket.closed(1006);
  client.emit("first");
  client.onstate(({ name }) => name === "connected" && client.emit("second"));
  network.advance(0);
  network.socket.accept();
  network.socket.receive(welcome({ resumed: true }));
  const events = network.socket.sent.slice(1).map(({ seq, params }) => [seq, params.name]);
  assert.deepEqual(events, [
    [1, "first"],
    [2, "second"],
  ]);
});

test("an older connection is ignored (RESUME-9)", () => {
  const { client, network } = open();
  const old = network.socket;
  network.advance(15_000);
  network.advance(0);
  assert.deepEqual(old.closedWith, [4000, "silence"]);
  old.receive(runJs(1));
  old.closed(1000);
  assert.equal(client.state.name, "reconnecting");
});

test("an ack goes out by a timer that the message has set (DELIVERY-6)", () => {
  const { network } = open();
  network.socket.receive({ type: "cancel", seq: 1, params: { id: 1 } });
  network.advance(1000);
  assert.deepEqual(network.socket.sent.at(-1), { type: "ack", params: { seq: 1 } });
});

test("reconnect begins a new instance after a wait (END-3)", () => {
  const { client, network } = open();
  const bye = { code: "server_shutdown", message: "later", retry: "reconnect" };
  network.socket.receive({ type: "bye", params: bye });
  assert.equal(network.sockets.length, 1);
  network.advance(250);
  network.socket.accept();
  const [first, second] = network.sockets.map(({ sent }) => sent[0]?.["params"]);
  assert.notEqual(second.instance, first.instance);
  assert.equal(second.resume, undefined);
  network.socket.receive(welcome());
  assert.equal(client.state.name, "connected");
});

test("a page does by itself what reconnect asks", () => {
  /** @type {number[]} */
  const waits = [];
  const { client, network } = open({ renew: (wait) => waits.push(wait) });
  const bye = { code: "server_shutdown", message: "later", retry: "reconnect" };
  network.socket.receive({ type: "bye", params: bye });
  assert.deepEqual(waits, [250]);
  assert.deepEqual(client.state, { name: "reconnecting", retryInMs: 250, end: null });
});

test("a connection that the server does not close after its bye is dropped", async () => {
  const { client, network } = open();
  const bye = { code: "session_ended", message: "done", retry: "never" };
  network.socket.receive({ type: "bye", params: bye });
  assert.equal(network.socket.closedWith, null);
  network.advance(1000);
  assert.deepEqual(network.socket.closedWith, []);
  network.socket.closed(1005);
  assert.deepEqual(await client.ended, bye);
});

test("every frame is shown to the observer, with its connection", () => {
  /** @type {unknown[]} */
  const seen = [];
  const { network } = open({
    observe(direction, frame, { connection }) {
      seen.push([
        direction,
        typeof frame === "string" ? JSON.parse(frame).type : frame,
        connection,
      ]);
      throw new Error("an observer that fails costs nothing");
    },
  });
  const frame = chunk(1, 0, 1);
  network.socket.receive(frame);
  assert.deepEqual(seen, [
    ["sent", "hello", 1],
    ["received", "welcome", 1],
    ["received", frame, 1],
  ]);
});

test("the headless client saves a stream, and tells of it by test:state", () => {
  const network = new FakeNetwork();
  const downloads = mkdtempSync(join(tmpdir(), "pagewire-"));
  const client = headlessClient({
    url: URL_OF_SERVER,
    app: "index",
    downloads,
    platform: network.platform,
  });
  client.open();
  network.socket.accept();
  network.socket.receive(welcome());
  network.socket.receive(streamed(1, 3));
  network.socket.receive(chunk(1, 0, 3));
  network.socket.receive(chunk(1, 3, 0));
  network.socket.receive({ type: "test:state", seq: 2, id: 2, params: {} });
  const sha256 = "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c";
  const params = { files: [{ name: "a.bin", bytes: 3, sha256 }], settings: {}, apps: [] };
  const state = network.socket.sent.find(({ id, type }) => id === 2 && type === "result");
  assert.deepEqual(state?.["params"], params);
  assert.deepEqual(readFileSync(join(downloads, "a.bin")), Buffer.alloc(3));
});

test("test:leave and test:break answer first", () => {
  const network = new FakeNetwork();
  const client = headlessClient({
    url: URL_OF_SERVER,
    app: "index",
    downloads: "/nowhere",
    platform: network.platform,
  });
  client.open();
  network.socket.accept();
  network.socket.receive(welcome());
  network.socket.receive({ type: "test:break", seq: 1, id: 1, params: {} });
  assert.deepEqual(network.socket.sent.at(-1), { type: "result", seq: 1, id: 1, params: {} });
  assert.equal(client.state.name, "reconnecting");
  network.advance(0);
  network.socket.accept();
  network.socket.receive(welcome({ resumed: true, last_seq: 1 }));
  network.socket.receive({ type: "test:leave", seq: 2, id: 2, params: {} });
  assert.deepEqual(
    network.socket.sent.map(({ type }) => type),
    ["hello", "result", "bye"],
  );
  assert.deepEqual(network.socket.closedWith, [1000, "client_left"]);
});

test("a notice is told to who listens, and to nobody else", () => {
  const { client, network } = open();
  /** @type {object[]} */
  const heard = [];
  const stop = client.onnotice((notice) => heard.push(notice));
  const message = { type: "notice", params: { code: "draining", ends_in_ms: 300_000 } };
  network.socket.receive(message);
  stop();
  network.socket.receive(message);
  assert.deepEqual(heard, [{ code: "draining", endsInMs: 300_000 }]);
  assert.equal(client.state.name, "connected");
});
