/** @file Light or dark: as the system has it, or as the visitor chose. */

const KEY = "pagewire-demo-theme";
const THEMES = /** @type {const} */ (["system", "light", "dark"]);

/** @typedef {(typeof THEMES)[number]} Theme */

/** @param {HTMLButtonElement} button goes from one theme to the next */
export function watchTheme(button) {
  let theme = remembered();
  const show = () => {
    document.documentElement.style.colorScheme = theme === "system" ? "" : theme;
    button.dataset["theme"] = theme;
    button.ariaLabel = `Theme: ${theme}`;
    button.title = button.ariaLabel;
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
    remember(theme);
    show();
  });
  show();
}

/** @returns {Theme} */
function remembered() {
  try {
    const stored = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === stored) ?? "system";
  } catch {
    return "system"; // a browser may forbid storage
  }
}

/** @param {Theme} theme */
function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds until the page is left.
  }
}
