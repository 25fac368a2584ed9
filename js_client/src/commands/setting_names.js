/** @file The names of the settings that `set_env` takes (SPEC section 5.5). */

/** @import {SetEnvParams} from "../protocol/generated/messages.js" */

/**
 * In the order in which those of one command are applied: whether the panel is fixed decides on its heights (ENV-2).
 *
 * @type {readonly (keyof SetEnvParams)[]}
 */
export const SETTING_NAMES = [
  "title",
  "output_animation",
  "auto_scroll_bottom",
  "output_max_width",
  "http_pull_interval",
  "input_auto_focus",
  "input_panel_fixed",
  "input_panel_min_height",
  "input_panel_init_height",
];
