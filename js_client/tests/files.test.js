/** @file How files get their names, their bytes and their places (SPEC section 5.4). */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { Downloads } from "../src/commands/downloads.js";
import { numberedFileName, safeFileName } from "../src/commands/file_names.js";
import { DownloadFolder } from "../src/node/download_folder.js";
import { base64Bytes, base64Size } from "../src/protocol/codec.js";

/** @type {[string, string][]} */
const NAMES = [
  ["report.csv", "report.csv"],
  ["../../etc/passwd", "passwd"],
  ["C:\\Users\\me\\a.txt", "a.txt"],
  ['a<b>c:d"e|f?g*h', "a_b_c_d_e_f_g_h"],
  ["a\u0000b\u001fc\u007fd\u009fe", "a_b_c_d_e"],
  ["cod\u202egnp.exe", "cod_gnp.exe"],
  ["  a b . .", "a b"],
  [".hidden", ".hidden"],
  ["con", "_con"],
  ["LPT1.tar.gz", "_LPT1.tar.gz"],
  ["COM0", "COM0"],
  ["console", "console"],
  ["..", "download"],
  ["a/", "download"],
  ["ü 😀.txt", "ü 😀.txt"],
];

for (const [name, safe] of NAMES) {
  test(`${JSON.stringify(name)} is saved as ${JSON.stringify(safe)}`, () => {
    assert.equal(safeFileName(name), safe);
  });
}

test("a number goes before the last dot", () => {
  assert.equal(numberedFileName("a.tar.gz", 2), "a.tar (2).gz");
  assert.equal(numberedFileName(".hidden", 1), ".hidden (1)");
});

for (const text of ["a", "ab==c", "YQ", "YQ=", "YQ==\n", "Y Q=", "YQ-_", "====", "Y==="]) {
  test(`${JSON.stringify(text)} is no base64 (DL-5)`, () => {
    assert.equal(base64Size(text), null);
  });
}

for (const [text, bytes] of /** @type {[string, number[]][]} */ ([
  ["", []],
  ["AA==", [0]],
  ["AP8=", [0, 255]],
  ["+/+/", [251, 255, 191]],
])) {
  test(`${JSON.stringify(text)} is ${bytes.length} bytes`, () => {
    assert.equal(base64Size(text), bytes.length);
    assert.deepEqual([...base64Bytes(text)], bytes);
  });
}

test("megabytes of base64 are read", () => {
  assert.equal(base64Size("AAAA".repeat(4_000_000)), 12_000_000);
});

test("files of the same name are numbered, and no part is left", () => {
  const path = mkdtempSync(join(tmpdir(), "pagewire-"));
  const folder = new DownloadFolder(path);
  for (const byte of [1, 2]) {
    const file = folder.open("a.txt");
    file.append(new Uint8Array([byte]));
    file.save();
  }
  assert.deepEqual(readdirSync(path).sort(), ["a (1).txt", "a.txt"]);
  assert.deepEqual([...readFileSync(join(path, "a (1).txt"))], [2]);
});

test("a file that is given up leaves nothing (DL-10)", () => {
  const path = mkdtempSync(join(tmpdir(), "pagewire-"));
  const downloads = new Downloads((name) => new DownloadFolder(path).open(name));
  const content = { kind: /** @type {const} */ ("stream") };
  downloads.start(1, { name: "a", media_type: "a/b", size: null, content });
  downloads.append(1, new Uint8Array(5));
  downloads.discardAll();
  downloads.finish(1);
  assert.deepEqual(readdirSync(path), []);
});

test("what cannot be saved is said (DL-6)", async () => {
  const downloads = new Downloads(() => {
    throw new Error("disk full");
  });
  const content = { kind: /** @type {const} */ ("inline"), base64: "" };
  await assert.rejects(downloads.start(1, { name: "a", media_type: "a/b", size: null, content }), {
    code: "save_failed",
    message: "the file could not be saved: disk full",
  });
});

function gate() {
  let open = () => {};
  /** @type {Promise<void>} */
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** @param {() => Promise<void>} save */
function startedDownload(save) {
  const content = { kind: /** @type {const} */ ("stream") };
  let discarded = 0;
  const file = {
    append() {},
    save,
    discard() {
      discarded += 1;
    },
  };
  const downloads = new Downloads(() => file);
  const bytes = downloads.start(1, { name: "a", media_type: "a/b", size: null, content });
  downloads.append(1, new Uint8Array(5));
  return { downloads, bytes, discards: () => discarded };
}

test("a file that takes a while to be handed over is answered then", async () => {
  const { open, opened } = gate();
  const { downloads, bytes } = startedDownload(() => opened);
  downloads.finish(1);
  let isAnswered = false;
  bytes.then(() => {
    isAnswered = true;
  });
  await Promise.resolve();
  assert.equal(isAnswered, false);
  open();
  assert.equal(await bytes, 5);
});

test("a file that turns out not to be held is said, and given up (DL-6)", async () => {
  const { downloads, bytes, discards } = startedDownload(() =>
    Promise.reject(new Error("no room")),
  );
  downloads.finish(1);
  await assert.rejects(bytes, {
    code: "save_failed",
    message: "the file could not be saved: no room",
  });
  assert.equal(discards(), 1);
});

test("a file that is given up while it is handed over is not answered", async () => {
  const { open, opened } = gate();
  const { downloads, bytes, discards } = startedDownload(() => opened);
  let answers = 0;
  bytes.then(() => {
    answers += 1;
  });
  downloads.finish(1);
  downloads.discard(1);
  open();
  await opened;
  await Promise.resolve();
  assert.deepEqual([answers, discards()], [0, 1]);
});
