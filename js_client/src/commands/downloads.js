/** @file The files that are being received: opened by a command, filled by its content, handed over to be saved. */

import { base64Bytes } from "../protocol/codec.js";
import { CommandError } from "./errors.js";
import { safeFileName } from "./file_names.js";

/** @import {DownloadParams} from "../protocol/generated/messages.js" */

/**
 * A file on its way to the user. What is not finished is not saved (DL-10). Each may throw.
 *
 * @typedef {object} IncomingFile
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} append
 * @property {() => void | Promise<void>} save hands the file over, at once or later; then a `discard` may come before
 * @property {() => void} discard
 *
 * @typedef {(name: string, mediaType: string) => IncomingFile} OpenFile the name is safe
 *
 * A streamed file that the user may watch, and give up.
 *
 * @typedef {object} ShownTransfer
 * @property {string} name a safe one
 * @property {number | null} size in bytes, null if unknown
 * @property {() => void} cancel gives the file up; without effect once it has ended
 *
 * What shows it. What it throws is logged and costs the file nothing.
 *
 * @typedef {object} TransferView
 * @property {(bytes: number) => void} progress is called with how many have come, on each chunk
 * @property {() => void} end is called once: the file is saved, has failed or was given up, or the session has ended
 *
 * @typedef {(transfer: ShownTransfer) => TransferView} ShowTransfer
 *
 * @typedef {object} Transfer
 * @property {IncomingFile} file
 * @property {TransferView} view
 * @property {number} bytes
 * @property {(bytes: number) => void} resolve
 * @property {(error: Error) => void} reject
 */

/** @type {TransferView} */
const NO_VIEW = { progress() {}, end() {} };

export class Downloads {
  #openFile;
  #showTransfer;
  /** @type {Map<number, Transfer>} */
  #transfers = new Map();

  /**
   * @param {OpenFile} openFile
   * @param {ShowTransfer} [showTransfer]
   */
  constructor(openFile, showTransfer = () => NO_VIEW) {
    this.#openFile = openFile;
    this.#showTransfer = showTransfer;
  }

  /**
   * Opens a file, and saves it at once where its content is in the command.
   *
   * @param {number} id
   * @param {DownloadParams} params
   * @returns {Promise<number>} the bytes handed over; rejects with a CommandError
   */
  start(id, { name, media_type, size, content }) {
    return new Promise((resolve, reject) => {
      const safeName = safeFileName(name);
      const file = saving(() => this.#openFile(safeName, media_type));
      this.#transfers.set(id, { file, view: NO_VIEW, bytes: 0, resolve, reject });
      if (content.kind === "stream") return this.#show(id, safeName, size);
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
      callView(() => transfer.view.progress(transfer.bytes));
    });
  }

  /** @param {number} id */
  finish(id) {
    this.#attempt(id, (transfer) => {
      const saved = transfer.file.save();
      if (!(saved instanceof Promise)) return this.#done(id, transfer);
      saved.then(
        () => this.#done(id, transfer),
        (error) => this.#fail(id, transfer, saveFailed(error)),
      );
    });
  }

  /** @param {number} id */
  discard(id) {
    this.#remove(id)?.file.discard();
  }

  discardAll() {
    for (const id of this.#transfers.keys()) this.discard(id);
  }

  /**
   * @param {number} id
   * @param {string} name
   * @param {number | null} size
   */
  #show(id, name, size) {
    callView(() => {
      const view = this.#showTransfer({ name, size, cancel: () => this.#giveUp(id) });
      const transfer = this.#transfers.get(id);
      if (transfer === undefined) view.end();
      else transfer.view = view;
    });
  }

  /**
   * @param {number} id
   * @param {Transfer} transfer nothing is done if it was given up meanwhile
   */
  #done(id, transfer) {
    if (this.#transfers.get(id) !== transfer) return;
    this.#remove(id);
    transfer.resolve(transfer.bytes);
  }

  /**
   * @param {number} id
   * @param {Transfer} transfer nothing is done if it was given up meanwhile
   * @param {CommandError} error
   */
  #fail(id, transfer, error) {
    if (this.#transfers.get(id) !== transfer) return;
    this.discard(id);
    transfer.reject(error);
  }

  /**
   * The user does not want the file any more (SPEC section 5.4).
   *
   * @param {number} id
   */
  #giveUp(id) {
    const transfer = this.#transfers.get(id);
    this.discard(id);
    transfer?.reject(new CommandError("cancelled", "the user gave the download up"));
  }

  /** @param {number} id */
  #remove(id) {
    const transfer = this.#transfers.get(id);
    this.#transfers.delete(id);
    if (transfer !== undefined) callView(() => transfer.view.end());
    return transfer;
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
      this.#fail(id, transfer, /** @type {CommandError} */ (error));
    }
  }
}

/**
 * What a view throws is logged.
 *
 * @param {() => void} call
 */
function callView(call) {
  try {
    call();
  } catch (error) {
    console.error(error);
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
    throw saveFailed(error);
  }
}

/**
 * DL-6.
 *
 * @param {unknown} error
 */
function saveFailed(error) {
  const reason = error instanceof Error ? error.message : String(error);
  return new CommandError("save_failed", `the file could not be saved: ${reason}`);
}
