/**
 * @file The handshake of a connection: the `hello` that a client sends, and which `welcome` it accepts (SPEC section 4).
 */

/** @import {HelloParams, WelcomeParams} from "../protocol/generated/messages.js" */

/** Every version that this client speaks. @type {readonly string[]} */
const VERSIONS = ["1.0"];

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
 * @property {unknown} [auth] for the server's own check
 */

/**
 * @param {HelloOptions} options
 * @param {number} attempt greater in each hello of the instance (HELLO-19)
 * @param {HelloParams["resume"]} resume undefined until the first `welcome` (HELLO-6)
 * @returns {HelloParams}
 */
export function helloParams(options, attempt, resume) {
  const { client, instance, app, capabilities, page, maxMessageBytes, auth } = options;
  return {
    versions: /** @type {[string]} */ ([...VERSIONS]),
    client,
    instance,
    attempt,
    app,
    capabilities,
    page,
    limits: { max_message_bytes: maxMessageBytes },
    ...(auth === undefined ? {} : { auth }),
    ...(resume === undefined ? {} : { resume }),
  };
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
