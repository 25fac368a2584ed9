/** @file Which topic the visitor chose: in the URL, to be linked to; in this window, for the way back from another app. */

const KEY = "pagewire-demo-topic";

/** @returns {string} empty if none was chosen */
export function chosenTopic() {
  return location.hash.slice(1) || stored();
}

/** @param {string} name */
export function rememberTopic(name) {
  history.replaceState(null, "", `#${name}`);
  try {
    sessionStorage.setItem(KEY, name);
  } catch {
    // The URL will do.
  }
}

function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // a browser may forbid storage
  }
}
