/** @file The folder in which a client without a page saves files. */

import { createHash, randomBytes } from "node:crypto";
import { closeSync, linkSync, mkdirSync, openSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { numberedFileName } from "../commands/file_names.js";

/** @import {IncomingFile} from "../commands/downloads.js" */

/** @typedef {{ name: string, bytes: number, sha256: string }} SavedFile */

const PART_NAME_BYTES = 9;

export class DownloadFolder {
  #path;

  /** @param {string} path made with the first file if it is missing */
  constructor(path) {
    this.#path = path;
    /** What has been saved, in the order of the saving. @type {SavedFile[]} */
    this.files = [];
  }

  /**
   * Opens a file beside its place; it gets its name when it is complete, so that no half file ever has it.
   *
   * @param {string} name a safe one
   * @returns {IncomingFile}
   */
  open(name) {
    mkdirSync(this.#path, { recursive: true });
    const part = join(this.#path, `.${randomBytes(PART_NAME_BYTES).toString("base64url")}.part`);
    return new PartFile(part, (bytes, sha256) => {
      this.files.push({ name: this.#moveToFreeName(part, name), bytes, sha256 });
    });
  }

  /**
   * A link fails where the name is taken; a rename would replace the other file.
   *
   * @param {string} part
   * @param {string} name
   */
  #moveToFreeName(part, name) {
    for (let number = 0; ; number += 1) {
      const candidate = number === 0 ? name : numberedFileName(name, number);
      if (!tryLink(part, join(this.#path, candidate))) continue;
      unlinkSync(part);
      return candidate;
    }
  }
}

/** @implements {IncomingFile} */
class PartFile {
  #path;
  #keep;
  /** @type {number | null} */
  #descriptor;
  #hash = createHash("sha256");
  #bytes = 0;

  /**
   * @param {string} path
   * @param {(bytes: number, sha256: string) => void} keep gives the complete file its name
   */
  constructor(path, keep) {
    this.#path = path;
    this.#keep = keep;
    this.#descriptor = openSync(path, "wx");
  }

  /** @param {Uint8Array} bytes */
  append(bytes) {
    if (this.#descriptor === null) return;
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#descriptor, bytes, done);
    }
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
  }

  save() {
    this.#close();
    this.#keep(this.#bytes, this.#hash.digest("hex"));
  }

  discard() {
    this.#close();
    rmSync(this.#path, { force: true });
  }

  #close() {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}

/**
 * @param {string} existing
 * @param {string} path
 */
function tryLink(existing, path) {
  try {
    linkSync(existing, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
}
