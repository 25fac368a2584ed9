/** @file The URLs of a server and of its apps. */

/**
 * Sets one parameter of a URL's query without touching the text of the others.
 *
 * @param {string | URL} url
 * @param {string} name
 * @param {string} value
 * @returns {URL} without fragment
 */
export function withQueryParameter(url, name, value) {
  const result = new URL(url);
  const parts = result.search
    .slice(1)
    .split("&")
    .filter((part) => part !== "");
  const place = parts.findIndex((part) => nameOf(part) === name);
  const others = parts.filter((part) => nameOf(part) !== name);
  const parameter = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  others.splice(place === -1 ? others.length : place, 0, parameter);
  result.search = others.join("&");
  result.hash = "";
  return result;
}

/** @param {string} part */
function nameOf(part) {
  const [[name] = [""]] = new URLSearchParams(part);
  return name;
}

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
