/** @file What a message says, in a line. */

const MAX_CHARACTERS = 200;
const MAX_VALUE = 24;

/** @typedef {Record<string, any>} Params */

/** @type {Record<string, (params: Params) => string>} */
const PREVIEWS = {
  hello: ({ client, resume }) =>
    `${resume ? `resume after ${resume.last_seq} · ` : ""}${client?.name} ${client?.version}`,
  welcome: ({ session, resumed, last_seq }) =>
    `${resumed ? `resumed after ${last_seq} · ` : ""}${session}`,
  bye: ({ code, message }) => `${code}: ${message}`,
  ack: ({ seq }) => `up to ${seq}`,
  stream_ack: ({ offset }) => `${offset} bytes`,
  ping: () => "",
  notice: ({ code, ends_in_ms }) =>
    ends_in_ms === undefined ? `${code}` : `${code}: at most ${ends_in_ms} ms`,
  cancel: () => "",
  run_js: ({ code, args }) => script(code, args),
  eval_js: ({ expression, args }) => script(expression, args),
  download: ({ name, content }) => `${name}, ${content?.kind}`,
  set_env: (params) => JSON.stringify(params),
  go_app: ({ app, new_window }) => `${app}${new_window ? ", new window" : ""}`,
  event: ({ name, data }) => `${name} ${JSON.stringify(data)}`,
  result: (params) =>
    "value" in params ? JSON.stringify(params["value"]) : JSON.stringify(params),
  error: ({ code, message }) => `${code}: ${message}`,
};

/**
 * What differs from one command to the next comes first.
 *
 * @param {unknown} code
 * @param {object} args
 */
function script(code, args) {
  const values = Object.entries(args ?? {}).map(([name, value]) => {
    return `${name}=${JSON.stringify(value).slice(0, MAX_VALUE)}`;
  });
  return [...values, code].join(" · ");
}

/**
 * @param {string} type
 * @param {unknown} params
 * @returns {string} without line breaks
 */
export function preview(type, params) {
  if (typeof params !== "object" || params === null) return "";
  const make = PREVIEWS[type] ?? ((given) => JSON.stringify(given));
  const text = make(params).slice(0, 2 * MAX_CHARACTERS);
  return text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_CHARACTERS);
}
