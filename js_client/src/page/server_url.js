/** @file Which server a page connects to. */

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * The page's own host, unless its query names a server of the same host or of this machine: a link must not connect
 * the page to a stranger, who could then run code in it (SPEC section 14).
 *
 * @param {string} pageUrl
 * @returns {URL}
 * @throws {TypeError} if the query names another server
 */
export function serverUrl(pageUrl) {
  const page = new URL(pageUrl);
  const named = page.searchParams.get("server");
  if (named === null) return ownServer(page);
  const url = new URL(named);
  if (url.hostname === page.hostname || LOOPBACK.has(url.hostname)) return url;
  throw new TypeError(`server=${named}: neither the page's host nor this machine`);
}

/** @param {URL} page */
function ownServer(page) {
  const url = new URL("/ws", page);
  url.protocol = page.protocol === "https:" ? "wss:" : "ws:";
  return url;
}
