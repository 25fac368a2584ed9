/** @file The tour: the topics that the program offers, one step at a time. */

import { element, find } from "./element.js";
import { currentSettings, settingsForm } from "./settings_form.js";
import { StepCard } from "./step_card.js";
import { TopicTabs } from "./topic_tabs.js";
import { onReport, onTopics } from "./topics.js";

/** @import {Report, Step, Topic} from "./topics.js" */

/** @typedef {(name: string, data: unknown) => void} Emit */

export class Tour {
  #emit;
  #panel = find("#topic", HTMLElement);
  #stage = find(".stage", HTMLElement);
  #output = find("#pagewire-output", HTMLElement);
  #tabs = new TopicTabs(find("#topics", HTMLElement), (at) => this.#choose(at));
  /** @type {Topic[]} */
  #topics = [];
  #at = 0;
  /** The step that is shown, of each topic. @type {Map<Topic, Step>} */
  #steps = new Map();
  /** The last report of each step. @type {Map<string, Report>} */
  #reports = new Map();
  /** @type {StepCard | null} */
  #card = null;

  /** @param {Emit} emit */
  constructor(emit) {
    this.#emit = emit;
    onTopics((topics) => this.#open(topics));
    onReport((report) => this.#reported(report));
    find("#stage-clear", HTMLButtonElement).addEventListener("click", () => this.#clear());
  }

  /** @param {Topic[]} topics */
  #open(topics) {
    this.#topics = topics;
    this.#tabs.show(topics);
    const named = topics.findIndex(({ name }) => name === chosenTopic());
    this.#show(Math.max(named, 0));
  }

  /** @param {number} at */
  #choose(at) {
    const topic = this.#topics[at];
    if (topic === undefined || at === this.#at) return;
    rememberTopic(topic.name);
    this.#clear();
    this.#show(at);
    const { top } = this.#panel.getBoundingClientRect();
    if (top < parseFloat(getComputedStyle(this.#panel).scrollMarginTop))
      this.#panel.scrollIntoView({ block: "start" });
  }

  /** @param {number} at */
  #show(at) {
    const topic = this.#topics[at];
    if (topic === undefined) return;
    this.#at = at;
    this.#tabs.mark(at);
    const step = this.#steps.get(topic) ?? topic.steps[0];
    if (step !== undefined) this.#fill(topic, step);
  }

  /**
   * @param {Topic} topic
   * @param {Step} step
   */
  #fill(topic, step) {
    this.#steps.set(topic, step);
    this.#card = new StepCard(step, this.#reports.get(step.name), () => this.#run(step));
    this.#panel.setAttribute("aria-labelledby", "topic-title");
    this.#panel.replaceChildren(
      element("h2", { id: "topic-title", textContent: topic.title }),
      element("p", { className: "summary", textContent: topic.summary }),
      element("div", { className: "choice" }, this.#chooser(topic, step), ...this.#next()),
      ...this.#form(step),
      this.#card.root,
    );
  }

  /**
   * @param {Topic} topic
   * @param {Step} chosen
   */
  #chooser(topic, chosen) {
    const group = element("div", { className: "chooser", role: "group", ariaLabel: "Steps" });
    for (const step of topic.steps) {
      const button = element("button", { type: "button", textContent: step.label });
      button.ariaPressed = String(step === chosen);
      button.addEventListener("click", () => {
        this.#fill(topic, step);
        const again = this.#panel.querySelector(".chooser [aria-pressed=true]");
        if (again instanceof HTMLElement) again.focus({ preventScroll: true });
      });
      group.append(button);
    }
    return group;
  }

  /** @param {Step} step */
  #form(step) {
    if (step.form !== "settings") return [];
    return [settingsForm((settings) => this.#run(step, settings))];
  }

  #next() {
    const topic = this.#topics[this.#at + 1];
    if (topic === undefined) return [];
    const button = element("button", { type: "button", className: "next" });
    button.append("Next: ", element("code", { textContent: topic.name }));
    button.addEventListener("click", () => {
      this.#choose(this.#at + 1);
      this.#panel.focus({ preventScroll: true });
    });
    return [button];
  }

  /**
   * @param {Step} step
   * @param {object} [given] its arguments
   */
  #run({ name, event, form, keepsOutput }, given) {
    if (!keepsOutput) this.#clear();
    this.#tabs.markDone(this.#at);
    try {
      this.#emit(event, {
        name,
        arguments: given ?? (form === "settings" ? currentSettings() : {}),
      });
      this.#reported({ name, outcome: "running", text: "", ms: 0 });
    } catch (error) {
      this.#reported({ name, outcome: "raised", text: String(error), ms: 0 });
    }
  }

  /** A step that runs needs what it has put there. */
  #clear() {
    const isRunning = [...this.#reports.values()].some(({ outcome }) => outcome === "running");
    if (!isRunning) this.#output.replaceChildren();
  }

  /** What a step does is seen where it was started. */
  #showStage() {
    if (this.#stage.offsetHeight < window.innerHeight)
      this.#stage.scrollIntoView({ block: "nearest" });
  }

  /** @param {Report} report */
  #reported(report) {
    this.#reports.set(report.name, report);
    const topic = this.#topics[this.#at];
    if (topic !== undefined && this.#steps.get(topic)?.name === report.name)
      this.#card?.show(report);
    this.#showStage();
  }
}

// --- The chosen topic: in the URL, to be linked to; in this window, for the way back from another app ---

const TOPIC_KEY = "pagewire-demo-topic";

/** @returns {string} empty if none was chosen */
function chosenTopic() {
  return location.hash.slice(1) || storedTopic();
}

/** @param {string} name */
function rememberTopic(name) {
  history.replaceState(null, "", `#${name}`);
  try {
    sessionStorage.setItem(TOPIC_KEY, name);
  } catch {
    // The URL will do.
  }
}

function storedTopic() {
  try {
    return sessionStorage.getItem(TOPIC_KEY) ?? "";
  } catch {
    return ""; // a browser may forbid storage
  }
}
