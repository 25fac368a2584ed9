/** @file A whole message, as the inspector shows it once its row is opened. */

import { coloured, element } from "./element.js";
import { hexDump, jsonPieces, layOut } from "./frame_text.js";

/** @import {WireEntry} from "./wire_entry.js" */

const COPIED_MS = 1500;

/**
 * @param {WireEntry} entry
 * @returns {HTMLElement}
 */
export function wireDetail(entry) {
  const isChunk = entry.type === "chunk";
  const text = isChunk ? hexDump(entry.head) : layOut(entry.text);
  const detail = element("div", { className: "w-detail" });
  detail.append(facts(entry, text));
  const code = isChunk ? "" : scriptOf(entry);
  if (code !== "") detail.append(block("JavaScript of the command", code));
  detail.append(block(`${entry.type} in full`, isChunk ? text : coloured(jsonPieces(text))));
  return detail;
}

/**
 * @param {WireEntry} entry
 * @param {string} text
 */
function facts({ bytes, connection, isRepeated, type }, text) {
  const parts = [`${bytes.toLocaleString("en")} bytes`, `connection ${connection}`];
  if (isRepeated) parts.push("sent again after a break");
  if (type === "chunk") parts.push("u64 id, u64 offset, payload");
  return element("p", { className: "w-facts" }, parts.join(" · "), copyButton(text));
}

/** @param {string} text */
function copyButton(text) {
  const button = element("button", { type: "button", className: "small", textContent: "Copy" });
  button.addEventListener("click", async () => {
    const isCopied = await copy(text);
    button.textContent = isCopied ? "Copied" : "Not allowed";
    setTimeout(() => {
      button.textContent = "Copy";
    }, COPIED_MS);
  });
  return button;
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} ariaLabel
 * @param {string | Node} content
 */
function block(ariaLabel, content) {
  return element("pre", { tabIndex: 0, role: "region", ariaLabel }, content);
}

/**
 * @param {WireEntry} entry
 * @returns {string} the code, with its line breaks, if it has any
 */
function scriptOf({ text }) {
  try {
    const { params } = JSON.parse(text);
    const code = params?.code ?? params?.expression;
    return typeof code === "string" && code.includes("\n") ? withoutMargin(code) : "";
  } catch {
    return "";
  }
}

/**
 * The first line often begins where Python's quotes end.
 *
 * @param {string} code
 */
function withoutMargin(code) {
  const lines = code
    .replace(/^\s*\n/, "")
    .trimEnd()
    .split("\n");
  const isFlush = /^\S/.test(lines[0] ?? "");
  const margined = lines.slice(isFlush ? 1 : 0).filter((line) => line.trim() !== "");
  const margin = Math.min(...margined.map((line) => line.search(/\S/)));
  return lines.map((line, at) => (isFlush && at === 0 ? line : line.slice(margin))).join("\n");
}
