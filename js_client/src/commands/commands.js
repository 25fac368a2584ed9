/**
 * @file The commands that a server can give: starts them, and hands over one reply for each.
 *
 * To add a command, declare it in the registry, and say here what it does.
 */

import { CommandError, errorParams } from "./errors.js";
import { evaluate, run } from "./scripts.js";

/** @import {Reply} from "../core/outbox.js" */
/** @import {CoreCommand, ServerCommand, VendorCommand} from "../protocol/checks.js" */
/** @import {Commands} from "../protocol/generated/registry.js" */
/** @import {SetEnvParams, SetEnvResult} from "../protocol/generated/messages.js" */
/** @import {Downloads, OpenFile, ShowTransfer} from "./downloads.js" */
/** @import {Compile} from "./scripts.js" */

/**
 * What came of a command: the JSON text of its result, and what is to be done once that is sent.
 *
 * @typedef {{ result: string, afterwards?: () => void }} Outcome
 *
 * What a page, or a process, can do for the commands.
 *
 * @typedef {object} Environment
 * @property {Compile} compile
 * @property {OpenFile} openFile
 * @property {ShowTransfer} [showTransfer] shows the user each streamed file while it is under way
 * @property {boolean} takesStreams whether `streams` is announced
 * @property {(settings: SetEnvParams) => SetEnvResult} applySettings
 * @property {(app: string, newWindow: boolean) => Outcome} openApp throws a CommandError where it cannot
 * @property {ReadonlyMap<string, (params: Record<string, unknown>) => Outcome>} vendorCommands by type
 *
 * @typedef {{ id: number, environment: Environment, downloads: Downloads }} Context
 */

/**
 * What each command does. Its synchronous part runs at once (CMD-4); what it throws is the reply.
 *
 * @type {{ [Type in keyof Commands]:
 *   (params: Commands[Type]["params"], context: Context) => Outcome | Promise<Outcome> }}
 */
const COMMANDS = {
  run_js: ({ code, args }, { environment }) =>
    run(code, args, environment.compile).then(() => ({ result: "{}" })),

  eval_js: ({ expression, args }, { environment }) =>
    evaluate(expression, args, environment.compile).then((value) => ({
      result: `{"value":${value}}`,
    })),

  async download(params, { id, environment, downloads }) {
    if (params.content.kind === "stream" && !environment.takesStreams) {
      throw new CommandError("unsupported", "this client takes no streams"); // DL-7
    }
    const bytes = await downloads.start(id, params);
    return { result: JSON.stringify({ bytes }) };
  },

  set_env: (params, { environment }) => ({
    result: JSON.stringify(environment.applySettings(params)),
  }),

  go_app: ({ app, new_window }, { environment }) => environment.openApp(app, new_window),
};

export class CommandRunner {
  #environment;
  #downloads;
  #answer;

  /**
   * @param {Environment} environment
   * @param {Downloads} downloads
   * @param {(id: number, reply: Reply) => void} answer called for each command that finishes
   */
  constructor(environment, downloads, answer) {
    this.#environment = environment;
    this.#downloads = downloads;
    this.#answer = answer;
  }

  /**
   * Starts a command. Its synchronous part has run when this returns (CMD-4).
   *
   * @param {ServerCommand} command
   */
  start(command) {
    const { id } = command;
    try {
      const outcome = this.#run(command);
      if (outcome instanceof Promise) {
        outcome.then(
          (late) => this.#succeed(id, late),
          (error) => this.#fail(id, error),
        );
      } else {
        this.#succeed(id, outcome);
      }
    } catch (error) {
      this.#fail(id, error);
    }
  }

  /**
   * @param {ServerCommand} command
   * @returns {Outcome | Promise<Outcome>}
   */
  #run(command) {
    const vendorCommand = this.#environment.vendorCommands.get(command.type);
    if (vendorCommand !== undefined)
      return vendorCommand(/** @type {VendorCommand} */ (command).params);
    const { id, type, params } = /** @type {CoreCommand} */ (command);
    const context = { id, environment: this.#environment, downloads: this.#downloads };
    return COMMANDS[type](/** @type {never} */ (params), context);
  }

  /**
   * @param {number} id
   * @param {Outcome} outcome
   */
  #succeed(id, { result, afterwards }) {
    this.#answer(id, { result });
    afterwards?.();
  }

  /**
   * @param {number} id
   * @param {unknown} error
   */
  #fail(id, error) {
    this.#answer(id, { error: errorParams(error) });
  }
}
