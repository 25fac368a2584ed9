/** @file Hands files over to the browser (SPEC section 5.4). */

/** @import {IncomingFile} from "../commands/downloads.js" */
/** @import {OfferLink} from "./environment.js" */

/** How long a file's memory is held, and its link shown (DL-9). */
const OFFERED_MS = 60_000;

/** How many parts are held before they become one. */
const PARTS_BEFORE_FOLD = 64;

/** A larger file is offered only once it is known that the browser holds it. */
const SURELY_HELD_BYTES = 1_048_576;

/**
 * Collects a file in Blobs, which the browser keeps out of the JavaScript heap.
 *
 * @param {string} name
 * @param {string} mediaType
 * @param {OfferLink} offerLink
 * @returns {IncomingFile}
 */
export function openFile(name, mediaType, offerLink) {
  /** @type {Blob[]} */
  let parts = [];
  let isDiscarded = false;
  /** @type {Error | null} */
  let failure = null;
  return {
    append(bytes) {
      if (failure !== null) throw failure;
      parts.push(new Blob([bytes]));
      if (parts.length < PARTS_BEFORE_FOLD) return;
      const folded = new Blob(parts);
      parts = [folded];
      checkHeld(folded).catch((error) => {
        failure = error;
      });
    },
    save() {
      const file = new Blob(parts, { type: mediaType });
      parts = [];
      if (file.size <= SURELY_HELD_BYTES) return offer(file, name, offerLink);
      return checkHeld(file).then(() => {
        if (!isDiscarded) offer(file, name, offerLink);
      });
    },
    discard() {
      parts = [];
      isDiscarded = true;
    },
  };
}

/**
 * A browser that has no room for a Blob says so only where it is read; a download of it is cancelled without a word.
 *
 * @param {Blob} blob
 */
async function checkHeld(blob) {
  try {
    await blob.slice(-1).arrayBuffer();
  } catch (error) {
    const why = error instanceof Error ? error.name : String(error);
    throw new Error(`the browser has no room for ${blob.size} bytes (${why})`);
  }
}

/**
 * Starts the download, and shows a link besides: a browser may block the former without a word.
 *
 * @param {Blob} file
 * @param {string} name
 * @param {OfferLink} offerLink
 */
function offer(file, name, offerLink) {
  const url = URL.createObjectURL(file);
  click(url, name);
  const takeAway = offerLink({ text: name, url, download: name });
  setTimeout(() => {
    takeAway();
    URL.revokeObjectURL(url);
  }, OFFERED_MS);
}

/**
 * @param {string} url
 * @param {string} name
 */
function click(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
