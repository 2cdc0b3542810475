// Who is on call and how severe a problem is: looked up, taken over, undone, subscribed to; with and without JavaScript.
import ICAL from "ical.js";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { enter, expect, test } from "./support/test.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const DAY = 86_400_000;
const field = (time) => new Date(time).toISOString().slice(0, 16);

/** Role, participant and reason of each row of an answer. */
const rows = (table) => table.locator("tbody tr").evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.innerText.split("\n")[0].trim())));

/** Nothing is wider than the screen, and axe finds nothing. */
async function readsOnPhones(page, script) {
  expect(await page.evaluate(() => document.scrollingElement.scrollWidth)).toBeLessThanOrEqual(320);
  // Where scripts are off, the timers that axe waits for do not run: the markup is the same.
  if (!script) return;
  await page.evaluate(AXE);
  const found = await page.evaluate(() => window.axe.run("html", { resultTypes: ["violations"], preload: false }));
  expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)).toEqual([]);
}

for (const script of [true, false]) {
  test.describe(script ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled: script });

    test("Christmas night is looked up, in two zones", async ({ page, context, portal }) => {
      await enter(context, portal.url, "viv");
      await page.goto("/");
      await expect(page.getByRole("region", { name: "On call" }).getByRole("link", { name: /^Call / }).first()).toBeVisible();
      await page.getByRole("link", { name: "Rotation and lookup" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("On-call");
      const form = page.getByRole("form", { name: "Look up a moment" });
      await form.getByLabel("Date and time").fill("2026-12-25T03:00");
      await form.getByRole("button", { name: "Look up" }).click();
      const answer = page.getByTestId("answer");
      await expect(answer).toContainText("On call on Fri 25 Dec 2026, 03:00 Europe/Berlin");
      const expected = [
        ["Primary", "DevOps Team", "Base rotation"],
        ["Secondary", "Backend Team", "Base rotation"],
        ["Backup", "Platform Team", "Base rotation"],
      ];
      expect(await rows(answer)).toEqual(expected);
      const json = await context.request.get(portal.url + (await page.getByRole("link", { name: "Same answer as JSON" }).getAttribute("href")));
      expect((await json.json()).roles.map((role) => role.participant)).toEqual(["team:devops", "team:backend", "team:platform"]);

      await form.getByLabel("Date and time").fill("2026-12-24T21:00");
      await form.getByLabel("Zone").selectOption("America/New_York");
      await form.getByRole("button", { name: "Look up" }).click();
      await expect(answer).toContainText("On call on Thu 24 Dec 2026, 21:00 America/New_York");
      expect(await rows(answer), "the same moment").toEqual(expected);
    });

    test("a weekend is taken over after a preview, and undone", async ({ page, context, portal, as }) => {
      await enter(context, portal.url, "bea");
      await page.goto("/on-call?zone=UTC");
      await expect(page.getByTestId("no-overrides")).toBeVisible();
      const [starts, ends] = [Date.now() + 20 * DAY, Date.now() + 22 * DAY].map(field);
      const form = page.getByRole("form", { name: "Take or give a shift" });
      await form.getByLabel("Who takes it").selectOption("bea");
      await form.getByLabel("From").fill(starts);
      await form.getByLabel("Until").fill(ends);
      await form.getByLabel("Reason").fill("Ben is at a wedding");
      await expect(form.getByRole("button", { name: "Save override" })).toHaveCount(0);
      await form.getByRole("button", { name: "Preview" }).click();
      await expect(page.getByTestId("preview")).toContainText("Bea covers primary from");
      const bea = as("bea");
      const primary = async (at) => (await bea.good("GET", `/on-call?rotation=platform&at=${at}:00Z`)).roles[0];
      const before = await primary(starts);
      expect(before.because, "looking changes nothing").toBe("base");
      await form.getByRole("button", { name: "Save override" }).click();

      const row = page.getByTestId("overrides").getByRole("row", { name: /Ben is at a wedding/ });
      await expect(row).toBeVisible();
      expect(await primary(starts)).toMatchObject({ participant: "bea", because: "override" });
      expect((await primary(ends)).because, "half-open").toBe("base");
      await row.getByRole("button", { name: /^Undo/ }).click();
      await expect(page.getByTestId("no-overrides")).toBeVisible();
      expect(await primary(starts)).toEqual(before);
    });

    test("the calendar is subscribed to, and says what the lookup says", async ({ page, context, portal, as }) => {
      const bea = as("bea");
      const [starts, ends] = [Date.now() + 9 * DAY, Date.now() + 10 * DAY].map((time) => `${new Date(time).toISOString().slice(0, 19)}Z`);
      await bea.good("POST", "/rotations/platform/overrides", { role: "secondary", participant: "bea", starts, ends, reason: "," });
      await enter(context, portal.url, "bea");
      await page.goto("/on-call");
      await page.getByRole("button", { name: "Make my calendar links" }).click();
      const links = page.getByTestId("feeds").getByRole("link");
      await expect(links).toHaveCount(3);
      const uids = [];
      for (const path of await links.evaluateAll((all) => all.map((link) => link.getAttribute("href")))) {
        const answer = await fetch(portal.url + path);
        expect(answer.status).toBe(200);
        expect(answer.headers.get("content-type")).toBe("text/calendar; charset=utf-8");
        const events = new ICAL.Component(ICAL.parse(await answer.text())).getAllSubcomponents("vevent").map((one) => new ICAL.Event(one));
        expect(events.length).toBeGreaterThan(50);
        expect(events.filter((event) => event.isRecurring())).toEqual([]);
        uids.push(...events.map((event) => event.uid));
        for (const event of events) {
          const [role, participant] = ["x-devmatrix-role", "x-devmatrix-participant"].map((name) => event.component.getFirstPropertyValue(name));
          const begin = event.startDate.toJSDate();
          const last = new Date(event.endDate.toJSDate() - 1);
          for (const at of [begin, last]) {
            const found = await bea.good("GET", `/on-call?rotation=platform&at=${at.toISOString()}`);
            expect(found.roles.find((one) => one.role === role), `${event.summary} at ${at.toISOString()}`).toMatchObject({ participant });
          }
        }
      }
      expect(new Set(uids).size, "unique over all feeds").toBe(uids.length);
      await page.goto("/on-call");
      await expect(page.getByTestId("feeds"), "shown once").toHaveCount(0);
    });

    test("the severity matrix is read on a phone, and is alive", async ({ page, context, portal, as }) => {
      await page.setViewportSize({ width: 320, height: 640 });
      await enter(context, portal.url, "bea");
      await page.goto("/severity?level=P3&from=2026-12-24T11:00&team=devops");
      await expect(page.getByTestId("due")).toHaveText(/^Due Mon 28 Dec 2026, 17:00 Europe\/Berlin\.$/);
      const level = (name) => page.getByTestId("matrix").locator(`tr[data-key="${name}"]`);
      for (const [name, within, example] of [
        ["P0", "15 minutes", "complete system outage"],
        ["P1", "1 hour", "major feature unavailable"],
        ["P2", "4 hours", "performance degradation"],
        ["P3", "next business day", "minor bugs"],
      ]) {
        await expect(level(name)).toContainText(within);
        await expect(level(name)).toContainText(example);
      }
      const { label } = await as("ben").good("POST", "/incidents", { title: "Requests fail", severity: "P1", components: ["api"] });
      if (!script) await page.reload();
      await expect(page.getByTestId("open").getByRole("link", { name: "Requests fail" })).toBeVisible();
      await expect(page.getByTestId("open")).toContainText(/59 min|1 h/);
      await readsOnPhones(page, script);

      await page.getByRole("link", { name: "Requests fail" }).click();
      await page.getByText("Change components").click();
      const boxes = page.getByRole("form", { name: "Change components" });
      await expect(boxes.getByRole("checkbox", { checked: true })).toHaveCount(1);
      await readsOnPhones(page, script);
      await boxes.getByLabel("Cache", { exact: true }).check();
      await boxes.getByRole("button", { name: "Save components" }).click();
      await expect(page.getByTestId("story")).toContainText("Components changed by Bea");
      await expect(page.getByTestId("components").getByRole("listitem")).toHaveCount(2);
      expect((await as("ben").good("GET", `/incidents/${label}`)).components).toEqual(["api", "redis"]);
      await page.getByRole("button", { name: "Acknowledge" }).click();
      await expect(page.getByTestId("answer")).toContainText(/Answered after/);
      await page.getByRole("button", { name: "Resolve" }).click();
      await expect(page.getByTestId("story")).toContainText("Resolved by Bea");
      expect((await as("ben").good("GET", `/incidents/${label}`)).state).toBe("resolved");
    });
  });
}
