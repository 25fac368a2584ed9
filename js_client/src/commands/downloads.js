/** @file The files that are being received: opened by a command, filled by its content, handed over to be saved. */

import { base64Bytes } from "../protocol/base64.js";
import { CommandError } from "./command_error.js";
import { safeFileName } from "./file_names.js";

/** @import {DownloadParams} from "../generated/messages.js" */

/**
 * A file on its way to the user. What is not finished is not saved (DL-10). Each may throw.
 *
 * @typedef {object} IncomingFile
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} append
 * @property {() => void} save hands the file over
 * @property {() => void} discard
 *
 * @typedef {(name: string, mediaType: string) => IncomingFile} OpenFile the name is safe
 *
 * @typedef {object} Transfer
 * @property {IncomingFile} file
 * @property {number} bytes
 * @property {(bytes: number) => void} resolve
 * @property {(error: Error) => void} reject
 */

export class Downloads {
  #openFile;
  /** @type {Map<number, Transfer>} */
  #transfers = new Map();

  /** @param {OpenFile} openFile */
  constructor(openFile) {
    this.#openFile = openFile;
  }

  /**
   * Opens a file, and saves it at once where its content is in the command.
   *
   * @param {number} id
   * @param {DownloadParams} params
   * @returns {Promise<number>} the bytes handed over; rejects with a CommandError
   */
  start(id, { name, media_type, content }) {
    return new Promise((resolve, reject) => {
      const file = saving(() => this.#openFile(safeFileName(name), media_type));
      this.#transfers.set(id, { file, bytes: 0, resolve, reject });
      if (content.kind === "stream") return;
      this.append(id, base64Bytes(content.base64));
      this.finish(id);
    });
  }

  /**
   * @param {number} id
   * @param {Uint8Array<ArrayBuffer>} bytes
   */
  append(id, bytes) {
    this.#attempt(id, (transfer) => {
      transfer.file.append(bytes);
      transfer.bytes += bytes.length;
    });
  }

  /** @param {number} id */
  finish(id) {
    this.#attempt(id, (transfer) => {
      transfer.file.save();
      this.#transfers.delete(id);
      transfer.resolve(transfer.bytes);
    });
  }

  /** @param {number} id */
  discard(id) {
    const transfer = this.#transfers.get(id);
    this.#transfers.delete(id);
    transfer?.file.discard();
  }

  discardAll() {
    for (const id of this.#transfers.keys()) this.discard(id);
  }

  /**
   * @param {number} id
   * @param {(transfer: Transfer) => void} act
   */
  #attempt(id, act) {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    try {
      saving(() => act(transfer));
    } catch (error) {
      this.discard(id);
      transfer.reject(/** @type {CommandError} */ (error));
    }
  }
}

/**
 * @template T
 * @param {() => T} act
 * @returns {T}
 */
function saving(act) {
  try {
    return act();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError("save_failed", `the file could not be saved: ${reason}`); // DL-6
  }
}
