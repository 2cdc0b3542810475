// Photographs every page and state: end2end/results/screens/STATE-THEME-WIDTH.png. `node end2end/screens.mjs [part of a name…]`
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { LAUNCH, RESULTS } from "./support/places.mjs";
import { STATES, THEMES, WIDTHS, open, stage } from "./support/states.mjs";

const wanted = process.argv.slice(2);
const folder = join(RESULTS, "screens");
mkdirSync(folder, { recursive: true });

const set = await stage("screens");
const browser = await chromium.launch(LAUNCH);
try {
  for (const state of STATES.filter(({ name }) => !wanted.length || wanted.some((part) => name.includes(part)))) {
    for (const theme of THEMES) {
      for (const width of WIDTHS) {
        const context = await browser.newContext({ viewport: { width, height: width === 320 ? 640 : 900 }, reducedMotion: "reduce" });
        const portal = state.at ? set[state.at] : set.url;
        await context.addCookies([{ name: "theme", value: theme, url: portal.url ?? portal }]);
        const page = await context.newPage();
        await open(page, set, state);
        await page.screenshot({ path: join(folder, `${state.name}-${theme}-${width}.png`), fullPage: true });
        await context.close();
      }
    }
    console.log(state.name);
  }
} finally {
  await browser.close();
  await set.stop();
}
