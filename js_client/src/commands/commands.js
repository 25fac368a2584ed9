/** @file The commands that a server can give: starts them, and hands over one reply for each. */

import { CommandError } from "./command_error.js";
import { Downloads } from "./downloads.js";
import { exceptionInfo } from "./exceptions.js";
import { evaluate, run } from "./scripts.js";

/** @import {DownloadMessage, EvalJsMessage, GoAppMessage, RunJsMessage, SetEnvMessage, SetEnvParams, SetEnvResult} from "../generated/messages.js" */
/** @import {VendorCommand} from "../protocol/checks.js" */
/** @import {Reply} from "../session/replies.js" */
/** @import {OpenFile, ShowTransfer} from "./downloads.js" */
/** @import {Compile} from "./scripts.js" */

/**
 * @typedef {RunJsMessage | EvalJsMessage | DownloadMessage | SetEnvMessage | GoAppMessage} CoreCommand
 * @typedef {CoreCommand | VendorCommand} ServerCommand
 *
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
 */

const DONE = "{}";

export class Commands {
  #environment;
  #answer;
  #downloads;

  /**
   * @param {Environment} environment
   * @param {(id: number, reply: Reply) => void} answer called for each command that finishes
   */
  constructor(environment, answer) {
    this.#environment = environment;
    this.#answer = answer;
    this.#downloads = new Downloads(environment.openFile, environment.showTransfer);
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
   * More of a command's stream came.
   *
   * @param {number} id
   * @param {Uint8Array<ArrayBuffer>} payload
   */
  append(id, payload) {
    this.#downloads.append(id, payload);
  }

  /**
   * A command's stream is complete.
   *
   * @param {number} id
   */
  finish(id) {
    this.#downloads.finish(id);
  }

  /**
   * Nobody waits for a command any more: what it has of a file is thrown away (CANCEL-4).
   *
   * @param {number} id
   */
  stop(id) {
    this.#downloads.discard(id);
  }

  /** The session has ended. */
  stopAll() {
    this.#downloads.discardAll();
  }

  /**
   * @param {ServerCommand} command
   * @returns {Outcome | Promise<Outcome>}
   */
  #run(command) {
    const vendorCommand = this.#environment.vendorCommands.get(command.type);
    if (vendorCommand !== undefined)
      return vendorCommand(/** @type {VendorCommand} */ (command).params);
    return this.#runCore(/** @type {CoreCommand} */ (command));
  }

  /**
   * @param {CoreCommand} command
   * @returns {Outcome | Promise<Outcome>}
   */
  #runCore({ id, type, params }) {
    const { applySettings, compile, openApp } = this.#environment;
    switch (type) {
      case "run_js":
        return run(params.code, params.args, compile).then(() => ({ result: DONE }));
      case "eval_js":
        return evaluate(params.expression, params.args, compile).then((value) => ({
          result: `{"value":${value}}`,
        }));
      case "download":
        return this.#download(id, params);
      case "set_env":
        return { result: JSON.stringify(applySettings(params)) };
      case "go_app":
        return openApp(params.app, params.new_window);
    }
  }

  /**
   * @param {number} id
   * @param {DownloadMessage["params"]} params
   * @returns {Promise<Outcome>}
   */
  async #download(id, params) {
    if (params.content.kind === "stream" && !this.#environment.takesStreams) {
      throw new CommandError("unsupported", "this client takes no streams"); // DL-7
    }
    const bytes = await this.#downloads.start(id, params);
    return { result: `{"bytes":${bytes}}` };
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

/**
 * @param {unknown} error
 * @returns {import("../session/replies.js").ErrorParams}
 */
function errorParams(error) {
  if (error instanceof CommandError) return { code: error.code, message: error.message };
  const exception = exceptionInfo(error);
  return { code: "exception", message: `${exception.name}: ${exception.message}`, exception };
}
