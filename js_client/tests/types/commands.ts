/** @file A typed `call` over `Commands`: `tsc` checks the params and the result of each command. Nothing here runs. */

import type { Commands, ErrorCode, SettingName } from "../../src/protocol/generated/registry.js";

declare function call<Type extends keyof Commands>(
  type: Type,
  params: Commands[Type]["params"],
): Promise<Commands[Type]["result"]>;

export async function results(): Promise<[unknown, number, string[]]> {
  const { value } = await call("eval_js", { expression: "a + 1", args: { a: 1 } });
  const content = { kind: "stream" } as const;
  const { bytes } = await call("download", { name: "a", media_type: "a/b", size: null, content });
  const { applied } = await call("set_env", { title: "A page" });
  return [value, bytes, applied];
}

export async function wrongResults(): Promise<void> {
  const done = await call("run_js", { code: "", args: {} });
  // @ts-expect-error run_js has no value
  done.value;
  const { value } = await call("eval_js", { expression: "1", args: {} });
  // @ts-expect-error a value is unknown until it is looked at
  value.length;
  const { ignored } = await call("set_env", {});
  // @ts-expect-error the names of settings are no number
  const count: number = ignored;
  return void count;
}

export async function wrongParams(): Promise<void> {
  // @ts-expect-error eval_js has an expression
  await call("eval_js", { code: "1", args: {} });
  // @ts-expect-error args are required
  await call("run_js", { code: "1" });
  // @ts-expect-error a title is a string
  await call("set_env", { title: 1 });
  // @ts-expect-error there is no such command
  await call("call_js_later", {});
}

export const ERROR: ErrorCode = "save_failed";
export const SETTING: SettingName = "input_panel_fixed";
// @ts-expect-error there is no such code
export const NO_ERROR: ErrorCode = "saved";
// @ts-expect-error there is no such setting
export const NO_SETTING: SettingName = "input_panel";
