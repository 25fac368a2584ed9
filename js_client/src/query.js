/** @file One parameter of a URL's query, set without touching the text of the others. */

/**
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
