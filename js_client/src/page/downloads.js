/** @file Hands files over to the browser (SPEC section 5.4). */

/** @import {IncomingFile} from "../commands/downloads.js" */
/** @import {OfferLink} from "./environment.js" */

/** How long a file's memory is held, and its link shown (DL-9). */
const OFFERED_MS = 60_000;

/** How many parts are held before they become one. */
const PARTS_BEFORE_FOLD = 64;

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
  return {
    append(bytes) {
      parts.push(new Blob([bytes]));
      if (parts.length >= PARTS_BEFORE_FOLD) parts = [new Blob(parts)];
    },
    save() {
      offer(new Blob(parts, { type: mediaType }), name, offerLink);
      parts = [];
    },
    discard() {
      parts = [];
    },
  };
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
