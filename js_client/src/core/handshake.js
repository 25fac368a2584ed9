/**
 * @file The handshake of a connection: the `hello` that a client sends, and which `welcome` it accepts (SPEC section 4).
 */

import { characterCount, controlFrame, utf8Size } from "../protocol/codec.js";

/** @import {HelloParams, PageInfo, ResumePoint, WelcomeParams} from "../protocol/generated/messages.js" */
/** @import {End} from "./actions.js" */

/** Every version that this client speaks. @type {readonly string[]} */
const VERSIONS = ["1.0"];

/** The largest `hello`, in bytes (HELLO-21). */
export const MAX_HELLO_BYTES = 65_536;

/** The longest `page.url`, in characters (HELLO-22). */
const LONGEST_URL = 8192;

/**
 * What is the same in each `hello` of an instance.
 *
 * @typedef {object} HelloOptions
 * @property {HelloParams["client"]} client
 * @property {string} instance the secret of this instance (HELLO-4)
 * @property {string} app
 * @property {HelloParams["capabilities"]} capabilities
 * @property {HelloParams["page"]} page
 * @property {number} maxMessageBytes
 * @property {unknown} [auth] for the server's own check: any JSON, or a function that returns it at each attempt
 */

/**
 * The frame of a `hello`. It omits `page.url` if that is too long, or if the frame would be.
 *
 * @param {HelloOptions} options
 * @param {number} attempt greater in each hello of the instance (HELLO-19)
 * @param {ResumePoint | undefined} resume undefined until the first `welcome` (HELLO-6)
 * @returns {{ frame: string } | { end: End }} the end of the session where it would be too large all the same (HELLO-24)
 */
export function helloFrame(options, attempt, resume) {
  const params = helloParams(options, attempt, resume);
  const frame = controlFrame("hello", params);
  const size = utf8Size(frame);
  if (size <= MAX_HELLO_BYTES) return { frame };
  if (params.page.url === undefined) return { end: tooLarge(size) };
  return helloFrame({ ...options, page: withoutUrl(params.page) }, attempt, resume); // HELLO-23
}

/**
 * @param {HelloOptions} options
 * @param {number} attempt
 * @param {ResumePoint | undefined} resume
 * @returns {HelloParams}
 */
function helloParams({ auth, page, ...options }, attempt, resume) {
  const { client, instance, app, capabilities, maxMessageBytes } = options;
  const authNow = typeof auth === "function" ? auth() : auth;
  const isLong = characterCount(page.url ?? "") > LONGEST_URL; // HELLO-22
  return {
    versions: /** @type {[string]} */ ([...VERSIONS]),
    client,
    instance,
    attempt,
    app,
    capabilities,
    page: isLong ? withoutUrl(page) : page,
    limits: { max_message_bytes: maxMessageBytes },
    ...(authNow === undefined ? {} : { auth: authNow }),
    ...(resume === undefined ? {} : { resume }),
  };
}

/** @param {number} size @returns {End} */
function tooLarge(size) {
  const message = `the hello has ${size} bytes, over ${MAX_HELLO_BYTES}: auth or capabilities are too large`;
  return { code: "too_large", message, retry: "never" };
}

/** @param {PageInfo} page @returns {PageInfo} */
function withoutUrl({ url: _, ...page }) {
  return page;
}

/**
 * Checks what the schema of `welcome` cannot: that it answers the `hello` which was sent.
 *
 * @param {WelcomeParams} welcome
 * @param {boolean} isResume whether the `hello` had `resume`
 * @returns {string | null} what is wrong, or null
 */
export function validateWelcome({ version, resumed }, isResume) {
  if (!VERSIONS.includes(version)) return `params.version: ${version} was not offered`; // HELLO-17
  return isResume && !resumed ? "params.resumed: must be true after a resume" : null;
}
