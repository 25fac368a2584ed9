/** @file One step: its Python, the button that runs it, and what came of it. */

import { durationText } from "../page/quantities.js";
import { coloured, element } from "./element.js";

/** @import {Report, Step} from "./topics.js" */

const NOT_RUN = "Not run yet.";

export class StepCard {
  root;
  #run;
  #result = element("pre", {
    className: "result",
    tabIndex: 0,
    role: "region",
    ariaLabel: "Result",
  });
  #outcome = element("output", { className: "outcome" });

  /**
   * @param {Step} step
   * @param {Report | undefined} report of the last time it ran
   * @param {() => void} run
   */
  constructor(step, report, run) {
    this.#run = element("button", { type: "button", className: "run", textContent: "Run" });
    this.#run.addEventListener("click", () => {
      if (this.#run.ariaDisabled !== "true") run();
    });
    this.root = element(
      "figure",
      { className: "card" },
      caption(step, this.#run),
      source(step),
      element("div", { className: "came" }, this.#outcome, this.#result),
    );
    this.show(report);
  }

  /** @param {Report | undefined} report */
  show(report) {
    const isRunning = report?.outcome === "running";
    this.#run.ariaDisabled = String(isRunning);
    this.#run.textContent = isRunning ? "Running" : "Run";
    this.root.dataset["outcome"] = report?.outcome ?? "";
    this.#outcome.textContent = describe(report);
    this.#result.textContent = report?.text ?? "";
    this.#result.hidden = !report?.text;
  }
}

/**
 * @param {Step} step
 * @param {HTMLElement} run
 */
function caption({ name, event }, run) {
  const where = event === "task" ? "coroutine" : "thread";
  const title = element("span", { className: "card-title" });
  title.append(
    element("span", { className: "tag", textContent: "Python" }),
    element("span", { className: "card-name", textContent: `${name}()` }),
    element("span", { className: "where", textContent: `runs in a ${where}` }),
  );
  return element("figcaption", {}, title, run);
}

/** @param {Step} step */
function source({ name, source: pieces }) {
  const code = element("code", {}, coloured(pieces));
  return element(
    "pre",
    { className: "source", tabIndex: 0, role: "region", ariaLabel: `Source of ${name}` },
    code,
  );
}

/** @param {Report | undefined} report */
function describe(report) {
  if (report === undefined) return NOT_RUN;
  const { outcome, ms } = report;
  return outcome === "running" ? "Running …" : `${outcome} after ${durationText(ms)}`;
}
