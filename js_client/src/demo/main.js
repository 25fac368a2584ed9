/** @file The demo: the reference page's parts, a tour that Python leads, and the wire beside it. */

import { openPage } from "../page/open_page.js";
import { find } from "./element.js";
import { Inspector } from "./inspector.js";
import { watchTheme } from "./theme.js";
import { Tour } from "./tour.js";

watchTheme(find("#theme", HTMLButtonElement));
const inspector = new Inspector();
new Tour((name, data) => client.emit(name, data));

/** The page's connection to its server. */
export const client = openPage({ observe: inspector.observe, onstate: inspector.tell });

window.addEventListener("demo:cut", () => client.breakConnection());
