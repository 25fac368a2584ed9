/** @file The `hello` of a client: what stays the same in each one of an instance, and what does not (SPEC section 4). */

/** @import {HelloMessage} from "../generated/messages.js" */

/** Every version that this client speaks. */
export const VERSIONS = /** @type {const} */ (["1.0"]);

/**
 * What a client says of itself.
 *
 * @typedef {object} Introduction
 * @property {HelloMessage["params"]["client"]} client
 * @property {string} instance the secret of this instance (HELLO-4)
 * @property {string} app
 * @property {HelloMessage["params"]["capabilities"]} capabilities
 * @property {HelloMessage["params"]["page"]} page
 * @property {number} maxMessageBytes
 * @property {unknown} [auth] for the server's own check
 */

/**
 * @param {Introduction} introduction
 * @param {number} attempt greater in each hello of the instance (HELLO-19)
 * @param {HelloMessage["params"]["resume"]} resume undefined until the first `welcome` (HELLO-6)
 * @returns {HelloMessage["params"]}
 */
export function helloParams(introduction, attempt, resume) {
  const { client, instance, app, capabilities, page, maxMessageBytes, auth } = introduction;
  return {
    versions: [...VERSIONS],
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
