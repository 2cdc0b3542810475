// WCAG 2.2 A and AA by axe, target-size included, on every page and state, light and dark, wide and narrow.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test as base, expect } from "@playwright/test";
import { STATES, THEMES, WIDTHS, open, stage } from "./support/states.mjs";
import { complaints } from "./support/test.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = {
  runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] },
  rules: { "target-size": { enabled: true } },
  resultTypes: ["violations"],
  preload: false,
};

const test = base.extend({
  stage: [
    async ({}, use, worker) => {
      const made = await stage(`axe ${worker.workerIndex}`);
      await use(made);
      await made.stop();
      // The one without clusters is meant to complain of them.
      expect(made.portals.filter((portal) => portal !== made.lost).flatMap(complaints), "errors in the portals' logs").toEqual([]);
    },
    { scope: "worker", timeout: 120_000 },
  ],
});

/** What axe has against the page, a line for each element. */
async function violations(page, scope = "html") {
  await page.evaluate(AXE);
  const found = await page.evaluate(([within, rules]) => window.axe.run(within, rules), [scope, RULES]);
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")} (${failureSummary.split("\n").slice(1).join(";").trim()})`),
  );
}

for (const state of STATES) {
  test(`${state.name} is accessible`, async ({ browser, stage }) => {
    for (const theme of THEMES) {
      for (const width of WIDTHS) {
        await test.step(`${theme}, ${width} px`, async () => {
          const context = await browser.newContext({ viewport: { width, height: width === 320 ? 640 : 900 } });
          const portal = state.at ? stage[state.at] : stage.url;
          await context.addCookies([{ name: "theme", value: theme, url: portal.url ?? portal }]);
          const page = await context.newPage();
          await open(page, stage, state);
          const where = `${state.name}, ${theme}, ${width} px`;
          await expect.soft(page.locator("html"), where).toHaveAttribute("data-theme", theme, { timeout: 1_000 });
          await expect.soft(page.locator("h1"), `${where}: one h1`).toHaveCount(1);
          await expect.soft(page, where).toHaveTitle(/\S · DevMatrix Portal$/);
          const wide = await page.evaluate(() => document.scrollingElement.scrollWidth);
          expect.soft(wide, `${where}: as wide as the window`).toBeLessThanOrEqual(width);
          expect.soft(await violations(page, state.scope), where).toEqual([]);
          await context.close();
        });
      }
    }
  });
}

test("the system's dark theme is accessible too", async ({ browser, stage }) => {
  const context = await browser.newContext({ colorScheme: "dark", viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await open(page, stage, STATES.find(({ name }) => name === "home"));
  await expect(page.locator("html")).not.toHaveAttribute("data-theme");
  const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  expect(Math.max(...ground.match(/\d+/g).slice(0, 3).map(Number)), `${ground} is dark`).toBeLessThan(64);
  expect(await violations(page)).toEqual([]);
  await context.close();
});

test.describe("the rules find what is wrong", () => {
  const page = (body) => `<!doctype html><html lang="en"><head><title>Wrong</title></head><body><main><h1>Wrong</h1>${body}</main></body></html>`;
  const tiny = `<button style="width:12px;height:12px;padding:0;border:1px solid;margin:0;display:inline-block;vertical-align:top;font-size:0">a</button>`;
  for (const [rule, body] of [
    ["target-size", `<p>${tiny}${tiny}${tiny}</p>`],
    ["color-contrast", `<p style="color:#aaa;background:#fff">Hardly there</p>`],
    ["label", `<input type="text">`],
  ]) {
    test(rule, async ({ page: tab }) => {
      await tab.setContent(page(body));
      expect((await violations(tab)).map((text) => text.split(":")[0])).toContain(rule);
    });
  }
});
