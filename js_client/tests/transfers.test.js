/** @file How streamed files are shown while they are under way, and how the user gives one up (SPEC section 5.4). */

import assert from "node:assert/strict";
import test from "node:test";
import { Client } from "../src/client.js";
import { compileAsyncFunction } from "../src/commands/scripts.js";
import { chunk, streamed, welcome } from "./conversation.js";
import { FakeNetwork } from "./fake_network.js";

/** @import {IncomingFile, ShownTransfer, ShowTransfer} from "../src/commands/downloads.js" */

const GIVEN_UP = {
  type: "error",
  seq: 1,
  id: 1,
  params: { code: "cancelled", message: "the user gave the download up" },
};

/** A client that is connected, and what its user would see. */
class Desk {
  network = new FakeNetwork();
  /** @type {ShownTransfer[]} */
  shown = [];
  /** What became of the files and of what shows them, in order. @type {(string | number)[]} */
  seen = [];

  /** @param {{ showTransfer?: ShowTransfer, append?: IncomingFile["append"] }} [parts] */
  constructor({ showTransfer = this.#show, append = () => {} } = {}) {
    this.client = new Client({
      url: new URL("ws://server/ws"),
      hello: {
        client: { name: "tests", version: "1" },
        app: "index",
        capabilities: { streams: {} },
        page: {},
        maxMessageBytes: 65_536,
      },
      environment: {
        compile: compileAsyncFunction,
        openFile: () => ({
          append,
          save: () => {
            this.seen.push("saved");
          },
          discard: () => this.seen.push("discarded"),
        }),
        showTransfer,
        takesStreams: true,
        applySettings: () => ({ applied: [], ignored: [] }),
        openApp: () => ({ result: "{}" }),
        vendorCommands: new Map(),
      },
      platform: this.network.platform,
    });
    this.client.open();
    this.network.socket.accept();
    this.receive(welcome());
  }

  /** @param {...(object | ArrayBuffer)} frames */
  receive(...frames) {
    for (const frame of frames) this.network.socket.receive(frame);
  }

  /** Breaks the connection. */
  lose() {
    this.network.socket.closed(1006);
  }

  /** Lets the client in again. @param {object} changes of the `welcome` */
  reconnect(changes) {
    this.network.advance(0);
    this.network.socket.accept();
    this.receive(welcome({ resumed: true, ...changes }));
  }

  /** The replies on the newest connection, once the commands that have finished are answered. */
  async replies() {
    await new Promise(setImmediate);
    return this.network.socket.sent.filter(({ type }) => type === "result" || type === "error");
  }

  /** @type {ShowTransfer} */
  #show = (transfer) => {
    this.shown.push(transfer);
    return {
      progress: (bytes) => this.seen.push(bytes),
      end: () => this.seen.push("end"),
    };
  };
}

test("a streamed file tells how much of it has come, until it is saved", async () => {
  const desk = new Desk();
  desk.receive(streamed(1, 5), chunk(1, 0, 3), chunk(1, 3, 2), chunk(1, 5, 0));
  const [{ name, size } = assert.fail()] = desk.shown;
  assert.deepEqual({ name, size }, { name: "a.bin", size: 5 });
  assert.deepEqual(desk.seen, [3, 5, "saved", "end"]);
  assert.deepEqual(await desk.replies(), [{ type: "result", seq: 1, id: 1, params: { bytes: 5 } }]);
});

test("a file that is in its command is not shown", async () => {
  const desk = new Desk();
  const download = streamed(1, 0);
  desk.receive({
    ...download,
    params: { ...download.params, content: { kind: "inline", base64: "" } },
  });
  assert.deepEqual(desk.shown, []);
  assert.deepEqual(desk.seen, ["saved"]);
});

test("a file that the user gives up is answered once, and nothing is saved", async () => {
  const desk = new Desk();
  desk.receive(streamed(1), chunk(1, 0, 3));
  desk.shown[0]?.cancel();
  desk.shown[0]?.cancel();
  assert.deepEqual(await desk.replies(), [GIVEN_UP]);
  desk.receive({ type: "cancel", seq: 2, params: { id: 1 } });
  assert.deepEqual(desk.seen, [3, "end", "discarded"]);
  assert.deepEqual(await desk.replies(), [GIVEN_UP]);
});

test("what still comes of a file that was given up is ignored (STREAM-6)", async () => {
  const desk = new Desk();
  desk.receive(streamed(1), chunk(1, 0, 3));
  desk.shown[0]?.cancel();
  assert.deepEqual(await desk.replies(), [GIVEN_UP]);
  const sent = desk.network.socket.sent.length;
  desk.receive(chunk(1, 3, 16_384), chunk(1, 16_387, 0), chunk(1, 99, 1));
  assert.deepEqual(await desk.replies(), [GIVEN_UP]);
  assert.equal(desk.network.socket.sent.length, sent);
  assert.deepEqual(desk.seen, [3, "end", "discarded"]);
  assert.equal(desk.client.state.name, "connected");
});

test("a file that has come cannot be given up", async () => {
  const desk = new Desk();
  desk.receive(streamed(1), chunk(1, 0, 0));
  desk.shown[0]?.cancel();
  assert.deepEqual(desk.seen, ["saved", "end"]);
  assert.deepEqual(await desk.replies(), [{ type: "result", seq: 1, id: 1, params: { bytes: 0 } }]);
});

test("what is given up while the connection is down is told on the next, whose hello does not name it", async () => {
  const desk = new Desk();
  desk.receive(streamed(1), streamed(2), chunk(1, 0, 3));
  desk.lose();
  desk.shown[0]?.cancel();
  assert.deepEqual(await desk.replies(), []);
  desk.reconnect({});
  const [hello] = desk.network.socket.sent;
  assert.deepEqual(hello?.["params"].resume, { last_seq: 2, streams: [{ id: 2, offset: 0 }] });
  assert.deepEqual(await desk.replies(), [GIVEN_UP]);
});

for (const [name, end] of /** @type {[string, (desk: Desk) => void][]} */ ([
  [
    "that the server gives up",
    (desk) => desk.receive({ type: "cancel", seq: 2, params: { id: 1 } }),
  ],
  ["that ends at another length", (desk) => desk.receive(chunk(1, 3, 0))],
  ["whose session ends", (desk) => desk.client.close()],
])) {
  test(`a file ${name} is shown no more, and giving it up does nothing`, async () => {
    const desk = new Desk();
    desk.receive(streamed(1, 5), chunk(1, 0, 3));
    end(desk);
    assert.deepEqual(desk.seen, [3, "end", "discarded"]);
    const replies = await desk.replies();
    desk.shown[0]?.cancel();
    assert.deepEqual(await desk.replies(), replies);
    assert.deepEqual(desk.seen, [3, "end", "discarded"]);
  });
}

test("a file that cannot be saved is shown no more (DL-6)", async () => {
  const desk = new Desk({ append: () => assert.fail("disk full") });
  desk.receive(streamed(1), chunk(1, 0, 3));
  assert.deepEqual(desk.seen, ["end", "discarded"]);
  const [reply] = await desk.replies();
  assert.equal(reply?.["params"].code, "save_failed");
});

test("a file that is given up as soon as it is shown is shown no more", async () => {
  let ends = 0;
  const desk = new Desk({
    showTransfer({ cancel }) {
      cancel();
      return { progress: () => assert.fail(), end: () => (ends += 1) };
    },
  });
  desk.receive(streamed(1), chunk(1, 0, 3));
  assert.deepEqual(await desk.replies(), [GIVEN_UP]);
  assert.equal(ends, 1);
});

for (const [name, showTransfer] of /** @type {[string, ShowTransfer][]} */ ([
  ["cannot be made", () => assert.fail()],
  ["fails later", () => ({ progress: () => assert.fail(), end: () => assert.fail() })],
])) {
  test(`a view that ${name} is logged, and costs the file nothing`, async ({ mock }) => {
    const { mock: log } = mock.method(console, "error", () => {});
    const desk = new Desk({ showTransfer });
    desk.receive(streamed(1), chunk(1, 0, 3), chunk(1, 3, 0));
    assert.deepEqual(desk.seen, ["saved"]);
    assert.ok(log.callCount() > 0);
    assert.deepEqual(await desk.replies(), [
      { type: "result", seq: 1, id: 1, params: { bytes: 3 } },
    ]);
  });
}
