/** @file The URLs that a client makes of others. */

import assert from "node:assert/strict";
import test from "node:test";
import { serverUrl, withQueryParameter } from "../src/urls.js";

/** @type {[string, string][]} */
const APPS = [
  ["http://h/p", "http://h/p?app=b%20%26"],
  ["http://h/p?x=a%20b&y#f", "http://h/p?x=a%20b&y&app=b%20%26"],
  ["http://h/p?app=a&x=1&%61pp=c", "http://h/p?app=b%20%26&x=1"],
];

for (const [url, expected] of APPS) {
  test(`another app of ${url} (APP-1)`, () => {
    assert.equal(withQueryParameter(url, "app", "b &").href, expected);
  });
}

/** @type {[string, string][]} */
const SERVERS = [
  ["http://h:8080/?app=a", "ws://h:8080/ws"],
  ["https://h/", "wss://h/ws"],
  ["http://h/?server=ws%3A%2F%2F127.0.0.1%3A9%2Fx", "ws://127.0.0.1:9/x"],
  ["http://h/?server=wss://h:9/x", "wss://h:9/x"],
];

for (const [page, server] of SERVERS) {
  test(`the page ${page} connects to ${server}`, () => {
    assert.equal(serverUrl(page).href, server);
  });
}

test("a link does not connect a page to a stranger", () => {
  assert.throws(() => serverUrl("http://h/?server=wss://stranger/ws"), TypeError);
});
