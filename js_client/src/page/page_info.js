/** @file What a server learns of the page (HELLO-9). */

/** @import {PageInfo} from "../generated/messages.js" */

/** @returns {PageInfo} */
export function describePage() {
  const url = new URL(location.href);
  url.hash = "";
  return {
    url: url.href,
    language: navigator.language,
    languages: [...navigator.languages].slice(0, 64),
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}
