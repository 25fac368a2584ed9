/**
 * @file Recorded conversations: what the client sends, asks of its page and says of itself, byte for byte.
 *
 * Each conversation goes through the public `Client`, with a socket, a clock and chance of the test's own. What comes
 * of it is compared with `golden/NAME.jsonl`, which a change of behaviour writes anew:
 *
 *     PAGEWIRE_WRITE_GOLDEN=1 node --test tests/golden.test.js
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import { Client, compileAsyncFunction } from "../src/index.js";
import { chunk, runJs, streamed, welcome } from "./conversation.js";
import { FakeNetwork } from "./fake_network.js";

/** @typedef {Record<string, any>} Message */

const GOLDEN = new URL("golden/", import.meta.url);
/** A longer line is recorded by its beginning, its length and its SHA-256. */
const LONGEST_LINE = 1000;
const IS_WRITING = process.env["PAGEWIRE_WRITE_GOLDEN"] === "1";

/** A client and all that it does, in lines of JSON. */
class Recording {
  #network = new FakeNetwork();
  #lines;

  /** @param {string[]} [lines] */
  constructor(lines = []) {
    this.#lines = lines;
    const { platform } = this.#network;
    this.client = new Client({
      url: new URL("ws://server/ws?a=1%202"),
      hello: {
        client: { name: "golden", version: "1" },
        app: "report",
        capabilities: { streams: {}, test: {} },
        page: { url: "http://server/", language: "de-CH", languages: ["de-CH", "en"] },
        maxMessageBytes: 65_536,
        auth: { token: "é" },
      },
      environment: this.#environment(),
      platform: { ...platform, WebSocket: this.#recordSocket(platform.WebSocket) },
    });
    this.client.onstate((state) => this.#note("state", state));
    this.client.open();
  }

  /** A new client, recorded in the same file. @param {string} title */
  another(title) {
    this.#note("client", title);
    return new Recording(this.#lines);
  }

  // --- What the server, the network and the user do ---

  /** @param {Message} [changes] of the `welcome` */
  async accept(changes = {}) {
    await this.greet(welcome(changes));
  }

  /** Opens the connection, with other frames than a `welcome`. @param {...(Message | ArrayBuffer)} frames */
  async greet(...frames) {
    this.#network.socket.accept();
    await this.receive(...frames);
  }

  /** @param {...(Message | ArrayBuffer | string)} frames */
  async receive(...frames) {
    for (const frame of frames) {
      this.#note("in", describe(frame));
      const data =
        typeof frame === "string" || frame instanceof ArrayBuffer ? frame : JSON.stringify(frame);
      this.#network.socket.dispatchEvent(new MessageEvent("message", { data }));
      await settled();
    }
  }

  /** @param {number} code */
  async lose(code = 1006) {
    this.#note("in", `closed by ${code}`);
    this.#network.socket.closed(code);
    await settled();
  }

  /** A connection that can't be opened, as Node 20 tells it. */
  async failToOpen() {
    this.#note("in", "error");
    this.#network.socket.dispatchEvent(new Event("error"));
    await settled();
  }

  /** @param {number} ms */
  async wait(ms) {
    this.#network.advance(ms);
    await settled();
  }

  /** @param {[name: any, data?: unknown]} event */
  emit(...event) {
    try {
      this.client.emit(...event);
    } catch (error) {
      this.#note("thrown", String(error));
    }
  }

  // --- What comes of it ---

  /** @param {string} name of the conversation */
  compare(name) {
    const file = new URL(`${name}.jsonl`, GOLDEN);
    const text = this.#lines.join("");
    if (IS_WRITING) writeFileSync(file, text);
    assert.equal(text, readFileSync(file, "utf8"));
  }

  /**
   * @param {string} what
   * @param {unknown} value
   */
  #note(what, value) {
    const line = JSON.stringify([this.#network.now, what, value]);
    const rest = createHash("sha256").update(line).digest("hex");
    const isLong = line.length > LONGEST_LINE;
    this.#lines.push(`${isLong ? `${line.slice(0, 100)} … ${line.length} ${rest}` : line}\n`);
  }

  /** @param {typeof WebSocket} Socket */
  #recordSocket(Socket) {
    const note = this.#note.bind(this);
    return class extends Socket {
      /** @param {string | URL} url @param {string | string[]} [protocol] */
      constructor(url, protocol) {
        super(url, protocol);
        note("connect", [String(url), protocol]);
      }

      /** @override @param {string} frame */
      send(frame) {
        note("send", frame);
        super.send(frame);
      }

      /** @override @param {[code?: number, reason?: string]} reason */
      close(...reason) {
        note("close", reason);
        super.close(...reason);
      }
    };
  }

  /** @returns {ConstructorParameters<typeof Client>[0]["environment"]} */
  #environment() {
    return {
      compile: compileAsyncFunction,
      openFile: (name, mediaType) => {
        this.#note("file", ["open", name, mediaType]);
        if (name === "full") throw new Error("disk full");
        return {
          append: (bytes) => this.#note("file", ["append", Buffer.from(bytes).toString("hex")]),
          save: () => this.#note("file", ["save"]),
          discard: () => this.#note("file", ["discard"]),
        };
      },
      showTransfer: ({ name, size, cancel }) => {
        this.#note("shown", [name, size]);
        this.cancelDownload = cancel;
        return {
          progress: (bytes) => this.#note("shown", bytes),
          end: () => this.#note("shown", "end"),
        };
      },
      takesStreams: true,
      applySettings: (settings) => {
        this.#note("settings", settings);
        return { applied: ["title"], ignored: ["input_panel_fixed"] };
      },
      openApp: (app, newWindow) => {
        this.#note("app", [app, newWindow]);
        return { result: "{}", afterwards: () => this.#note("app", "leaves") };
      },
      vendorCommands: new Map([
        ["test:state", (params) => ({ result: JSON.stringify({ params }) })],
      ]),
    };
  }

  /** Lets the user give the last shown file up. */
  cancelDownload = () => {};
}

/** Until all that can run without time or frames has run. */
async function settled() {
  await new Promise(setImmediate);
}

/** @param {Message | ArrayBuffer | string} frame */
function describe(frame) {
  if (frame instanceof ArrayBuffer) return `binary ${Buffer.from(frame).toString("hex")}`;
  if (typeof frame !== "string") return frame;
  return frame.length > 200 ? `${frame.length} characters` : frame;
}

/**
 * @param {number} seq
 * @param {string} expression
 * @param {object} [args]
 */
function evalJs(seq, expression, args = {}) {
  return { type: "eval_js", seq, id: seq, params: { expression, args } };
}

/**
 * @param {number} seq
 * @param {string} code
 * @param {object} [args]
 */
function code(seq, code, args = {}) {
  return runJs(seq, { params: { code, args } });
}

/**
 * @param {number} seq
 * @param {string} name
 * @param {string} base64
 * @param {number | null} [size]
 */
function inline(seq, name, base64, size = null) {
  const params = { name, media_type: "text/plain", size, content: { kind: "inline", base64 } };
  return { type: "download", seq, id: seq, params };
}

/** @param {number} seq @param {number} id */
function cancel(seq, id) {
  return { type: "cancel", seq, params: { id } };
}

/** @param {number} seq */
function ack(seq) {
  return { type: "ack", params: { seq } };
}

/** @param {string} code @param {string} retry */
function bye(code, retry) {
  return { type: "bye", params: { code, message: `because of ${code}`, retry } };
}

/**
 * @param {number} seq
 * @param {string} type
 * @param {object} params
 */
function command(seq, type, params) {
  return { type, seq, id: seq, params };
}

/** @type {Record<string, (recording: Recording) => Promise<void>>} */
const CONVERSATIONS = {
  async commands(recording) {
    await recording.accept();
    await recording.receive(
      code(1, "pagewire.emit('ran', x); await 0; pagewire.emit('later')", { x: [1, "é"] }),
      code(2, "throw {name: 'Custom', message: 'of the page'}"),
      code(3, "throw null"),
      code(4, "return {toJSON() { throw 'nothing sends it' }}"),
      evalJs(5, "a + b ; ", { a: 1, b: 0.1 }),
      evalJs(6, "undefined"),
      evalJs(7, "({toJSON() { throw new Error('no JSON') }})"),
      evalJs(8, "'\\ud800'"),
      evalJs(9, "'x'.repeat(70000)"),
      evalJs(10, "(() => { throw {name: 'N', message: 'm'.repeat(70000)} })()"),
      command(11, "set_env", { title: "é", input_panel_fixed: false, unknown: 1 }),
      command(12, "go_app", { app: "index", new_window: false }),
      command(13, "test:state", { any: ["thing"] }),
      command(14, "never:heard", {}),
      code(15, "", { "a=alert()": 1 }),
      code(16, "", { await: 1 }),
      command(17, "run_js", { code: 1, args: {} }),
      command(18, "run_js", { args: {} }),
      command(19, "test:state", []),
      command(20, "set_env", { title: 1 }),
      { type: "ping", params: {} },
      { type: "never:heard" },
      { type: "never:heard", seq: 21, more: true },
      { type: "ping", params: {} },
    );
  },

  async downloads(recording) {
    await recording.accept();
    await recording.receive(
      inline(1, "../a:b.txt", "aGVsbG8="),
      inline(2, "exact", "aGVsbG8=", 5),
      inline(3, "wrong", "aGVsbG8=", 6),
      inline(4, "no base64", "aGVsbG8"),
      inline(5, "full", ""),
      streamed(6, 40_000),
      chunk(6, 0, 16_384),
      chunk(6, 16_384, 10),
      chunk(6, 16_394, 16_384),
      chunk(6, 32_778, 7222),
      chunk(6, 40_000, 0),
      chunk(6, 40_000, 0),
      chunk(99, 0, 3),
      streamed(7, 3),
      chunk(7, 0, 4),
      streamed(8, 3),
      chunk(8, 0, 0),
      streamed(9),
      chunk(9, 0, 2),
      cancel(10, 9),
      chunk(9, 2, 2),
      cancel(11, 9),
      cancel(12, 1),
      streamed(13),
      chunk(13, 0, 1),
    );
    recording.cancelDownload();
    await settled();
    await recording.receive(chunk(13, 1, 1), streamed(14), chunk(14, 1, 1));
  },

  async acknowledgements(recording) {
    await recording.accept();
    await recording.receive({ type: "ping", params: {} }, cancel(1, 1));
    await recording.wait(999);
    await recording.receive(cancel(2, 1));
    await recording.wait(1);
    await recording.wait(5000);
    for (let seq = 3; seq <= 40; seq += 1) await recording.receive(cancel(seq, 1));
    await recording.receive(cancel(40, 1), cancel(7, 1));
    await recording.wait(1000);
    for (let seq = 41; seq <= 46; seq += 1) {
      await recording.receive(code(seq, `//${"x".repeat(60_000)}`));
    }
    await recording.receive(ack(6), ack(2), ack(6));
  },

  async resumption(recording) {
    recording.emit("early", 0);
    await recording.accept();
    await recording.receive(
      evalJs(1, "new Promise((resolve) => { globalThis.goldenResolve = resolve; })"),
      streamed(2),
      chunk(2, 0, 100),
      streamed(3, 200),
      chunk(3, 0, 50),
      evalJs(4, "4"),
      ack(1),
    );
    recording.emit("while it is there", { x: 1 });
    await recording.lose();
    recording.emit("while it is away", 2);
    Reflect.get(globalThis, "goldenResolve")("late");
    await settled();
    recording.cancelDownload();
    await settled();
    await recording.wait(0);
    await recording.failToOpen();
    await recording.wait(249);
    await recording.wait(1);
    await recording.lose(1001);
    await recording.wait(500);
    await recording.accept({ resumed: true, last_seq: 2 });
    await recording.receive(evalJs(4, "4"), chunk(2, 100, 5), evalJs(5, "5"), chunk(2, 105, 0));
    await recording.receive(bye("replaced_soon", "resume"));
    await recording.wait(0);
    await recording.accept({ resumed: true, last_seq: 6 });
    await recording.wait(1000);
    await recording.receive(code(6, ""), ack(7));
    await recording.wait(1000);
    await recording.wait(13_999);
    await recording.wait(1); // the connection is silent
    await recording.wait(0);
    await recording.wait(100);
    await recording.accept({ resumed: true, last_seq: 7, resume_window_ms: 1000 });
    await recording.wait(15_000); // the next one has twice as long
    await recording.wait(15_000);
    await recording.wait(0);
    await recording.wait(60_000); // it is never opened
    await recording.wait(250);
    await recording.lose();
    await recording.wait(500);
    await recording.lose();
    await recording.wait(60_000);
  },

  async events(recording) {
    await recording.accept();
    recording.emit("a", { deep: [null, "\ud800", 1.5], gone: undefined });
    recording.emit("😀".repeat(128));
    recording.emit("😀".repeat(129));
    recording.emit("");
    recording.emit(1);
    recording.emit("a", 1n);
    recording.emit("a", "x".repeat(65_536));
    for (let count = 0; count < 17; count += 1) recording.emit("much", "x".repeat(65_000));
    await recording.receive(evalJs(1, "1"), ack(3));
    recording.emit("again");
    recording.client.close();
    recording.emit("after the end");
    await recording.lose();
    await recording.receive(evalJs(2, "2"));
  },

  async instances(recording) {
    await recording.accept();
    await recording.receive(evalJs(1, "1"), streamed(2), chunk(2, 0, 1));
    await recording.receive(bye("server_shutdown", "reconnect"));
    await recording.wait(250);
    await recording.accept({ session: "s-2" });
    await recording.receive(evalJs(1, "'the new one'"));
    recording.client.breakConnection();
    await recording.wait(0);
    await recording.accept({ resumed: true, last_seq: 1, session: "s-2" });
    await recording.receive(bye("unknown:code", "never"));
    await recording.wait(1000);
    await recording.lose(1005);
  },
};

/** Frames that end the session, by name: each comes after a `welcome` and one command. @type {Record<string, any>} */
const FATAL = {
  "no object": "[]",
  "no type": "{}",
  "a long type": { type: "x".repeat(129) },
  "an overflow": '{"type":"x","params":{"a":1e999}}',
  "too large": `{"type":"x","params":"${"x".repeat(65_536)}"}`,
  "seq null": { type: "cancel", seq: null, params: { id: 1 } },
  "a gap": cancel(3, 1),
  "id without seq": { type: "x:y", id: 9 },
  "an old id": { type: "x:y", seq: 2, id: 1 },
  "a message of clients": { type: "hello", params: {} },
  "a reply": { type: "result", seq: 2, id: 1, params: {} },
  "a control message with seq": { type: "ping", seq: 2, params: {} },
  "a session message without seq": { type: "cancel", params: { id: 1 } },
  "a command without id": { type: "run_js", seq: 2, params: { code: "", args: {} } },
  "a cancel without id": { type: "cancel", seq: 2, params: {} },
  "an ack of a text": { type: "ack", params: { seq: "1" } },
  "an ack of what was never written": ack(9),
  "a bye without retry": { type: "bye", params: { code: "x", message: "" } },
  "a second welcome": welcome(),
  "a short binary frame": new ArrayBuffer(15),
  "bye invalid_message": bye("invalid_message", "resume"),
};
for (const code of [1000, 1007, 1009, 4400, 4401, 4403, 4404, 4406, 4409, 4410, 4413, 4500]) {
  FATAL[`close ${code}`] = code;
}

CONVERSATIONS["ends"] = async (recording) => {
  for (const [name, frame] of Object.entries(FATAL)) {
    const one = recording.another(name);
    await one.accept();
    await one.receive(evalJs(1, "1"));
    if (typeof frame === "number") await one.lose(frame);
    else await one.receive(frame);
    await one.wait(60_000);
  }
};

/** What is no `welcome` to begin with, or none after which a session may go on. @type {Record<string, Message>} */
const BAD_WELCOMES = {
  "a command": runJs(1),
  "a version that was not offered": welcome({ version: "2.0" }),
  "an incomplete one": { type: "welcome", params: { version: "1.0" } },
  "a last_seq of nothing": welcome({ last_seq: 1 }),
  "a bye": bye("unauthorized", "never"),
};

CONVERSATIONS["greetings"] = async (recording) => {
  for (const [name, message] of Object.entries(BAD_WELCOMES)) {
    const one = recording.another(name);
    await one.greet({ type: "never:heard" }, message);
  }
  const chunked = recording.another("a chunk");
  await chunked.greet(chunk(1, 0, 1));
  const renewed = recording.another("a new session after a break");
  await renewed.accept();
  await renewed.lose();
  await renewed.wait(0);
  await renewed.accept();
};

for (const [name, converse] of Object.entries(CONVERSATIONS)) {
  test(`the conversation ${name} is as it was recorded`, async ({ mock }) => {
    let count = 0;
    mock.method(crypto, "getRandomValues", (/** @type {Uint8Array} */ bytes) => {
      count += 1;
      return bytes.fill(count);
    });
    const recording = new Recording();
    await converse(recording);
    recording.compare(name);
  });
}
