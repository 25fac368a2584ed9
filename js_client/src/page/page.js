/** @file The reference page: connects as soon as it is loaded. */

import { openPage } from "./open_page.js";

/** The page's connection to its server. */
export const client = openPage();
