/** @file Tells the user how the page stands to its server, and offers what can be done about it. */

import { noticeText } from "../notices.js";
import { element } from "./element.js";
import { TransferList } from "./transfer_list.js";

/** @import {ClientState} from "../client.js" */
/** @import {Notice} from "../core/actions.js" */
/** @import {OfferLink} from "./environment.js" */

const SECOND_MS = 1000;

export class Status {
  #bar;
  #text;
  #countdown;
  #transfers;
  #offers;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {HTMLElement} bar empty; filled by this object */
  constructor(bar) {
    this.#bar = bar;
    this.#text = element("span", { role: "status", ariaLive: "polite" });
    // Seen and not heard: nobody wants each second read aloud.
    this.#countdown = element("span", { ariaHidden: "true" });
    const transfers = element("ul", {
      className: "pagewire-transfers",
      role: "list",
      tabIndex: -1,
    });
    transfers.ariaLabel = "Downloads";
    this.#transfers = new TransferList(transfers);
    this.#offers = element("span", { className: "pagewire-offers" });
    bar.append(this.#text, this.#countdown, transfers, this.#offers);
  }

  /** Shows a file while it is under way. */
  get showTransfer() {
    return this.#transfers.show;
  }

  /** @param {ClientState} state */
  show({ name, retryInMs, end }) {
    this.#bar.dataset["state"] = name;
    this.#bar.dataset["end"] = end?.code ?? "";
    delete this.#bar.dataset["notice"];
    clearInterval(this.#timer);
    this.#countdown.textContent = "";
    this.#say(describe(name, end?.message));
    if (retryInMs !== null) this.#countDown(performance.now() + retryInMs);
    if (end?.code === "session_gone") this.#offerStart();
  }

  /** Shows beside the state what holds until the state changes. @param {Notice} notice */
  notify = (notice) => {
    this.#bar.dataset["notice"] = notice.code;
    this.#say(`${describe("connected", undefined)}. ${noticeText(notice)}`);
  };

  /** @type {OfferLink} */
  offerLink = ({ text, url, download }) => {
    const link = element("a", { textContent: text, href: url });
    if (download === undefined) Object.assign(link, { target: "_blank", rel: "noopener" });
    else link.download = download;
    this.#offers.append(link);
    return () => link.remove();
  };

  /**
   * What is set again is read aloud again.
   *
   * @param {string} text
   */
  #say(text) {
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }

  /** @param {number} retryAt */
  #countDown(retryAt) {
    const show = () => {
      const seconds = Math.ceil((retryAt - performance.now()) / SECOND_MS);
      this.#countdown.textContent = seconds > 0 ? `in ${seconds} s` : "";
    };
    show();
    this.#timer = setInterval(show, SECOND_MS);
  }

  #offerStart() {
    const button = element("button", { type: "button", textContent: "Start again" });
    button.addEventListener("click", () => location.reload());
    this.#offers.append(button);
  }
}

/**
 * @param {ClientState["name"]} name
 * @param {string | undefined} reason
 */
function describe(name, reason) {
  switch (name) {
    case "connecting":
      return "Connecting …";
    case "connected":
      return "Connected";
    case "reconnecting":
      return "Connection lost. Reconnecting …";
    case "ended":
      return `Session ended: ${reason}`;
  }
}
