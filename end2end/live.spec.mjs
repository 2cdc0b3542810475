// Live updates touch what changed and nothing else: focus, what was typed, the caret, scrolling and open details stay.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasPast } from "./support/api.mjs";
import { startPortal } from "./support/portal.mjs";
import { complaints, enter, expect, isLive, loads, test } from "./support/test.mjs";

const EVENTS = "/api/v1/events";

/** From now on all layout shifts, a line each: how much, what moved, from where to where. */
const countShifts = (page) =>
  page.evaluate(() => {
    window.shifts = [];
    const place = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(",");
    const name = (node) => (node?.outerHTML ?? node?.parentElement?.outerHTML ?? "gone").replace(/\s+/g, " ").slice(0, 90);
    new PerformanceObserver((list) => {
      for (const { value, sources } of list.getEntries()) {
        const moved = sources.map(({ node, previousRect, currentRect }) => `${name(node)} ${place(previousRect)} to ${place(currentRect)}`);
        window.shifts.push(`${value.toFixed(5)}: ${moved.join("; ")}`);
      }
    }).observe({ type: "layout-shift" });
  });

/** Two frames later everything that was going to be painted and observed has been. */
const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))));

test("somebody types while the page around changes", async ({ page, context, portal, as }) => {
  const bea = as("bea");
  await bea.until(await bea.rollback("api", "prod", "1.42.2"), "succeeded");
  await enter(context, portal.url, "bea");
  await page.setViewportSize({ width: 1280, height: 500 });
  await page.goto("/components/api");
  await isLive(page);
  const loaded = loads(page);

  const input = page.getByTestId("hold").getByLabel(/^Why 1\.42\.3/);
  await page.locator("#clusters > summary").click();
  await input.click();
  await page.keyboard.type("half a sentence");
  for (let n = 0; n < 8; n += 1) await page.keyboard.press("ArrowLeft");
  await page.evaluate(() => scrollTo({ top: 60, behavior: "instant" }));
  const state = () =>
    page.evaluate(() => {
      const field = document.activeElement;
      return {
        focus: field.id,
        value: field.value,
        caret: [field.selectionStart, field.selectionEnd],
        scrolled: Math.round(scrollY),
        top: Math.round(field.getBoundingClientRect().top),
        open: document.querySelector("#clusters").open,
      };
    });
  const before = await state();
  expect(before).toMatchObject({ value: "half a sentence", caret: [7, 7], scrolled: 60, open: true });
  await countShifts(page);

  const central = page.locator("section#prod-central");
  await expect(central).toContainText("1.42.3");
  const change = await bea.promote("api", "prod-central");
  await as("olivia").approve(change);
  await bea.until(change, "succeeded");

  await expect(central).toContainText("1.43.1");
  await expect(central).toHaveAttribute("data-state", "healthy");
  await expect(page.getByTestId("deployments").locator("tr[data-env=prod-central]").filter({ hasText: new RegExp(`${change.label}\\b`) })).toHaveCount(1);
  expect(await state(), "what belongs to the reader").toEqual(before);
  await page.keyboard.type("of ");
  await expect(input).toHaveValue("half a of sentence");
  expect(loaded, "pages that were loaded again").toEqual([]);
});

test("a reason that is being written survives what others decide meanwhile", async ({ page, context, portal, as }) => {
  const mine = await as("bea").promote("api", "prod");
  await enter(context, portal.url, "dmitri");
  await page.goto(`/changes/${mine.label}`);
  await isLive(page);
  await page.locator("details.abort > summary").click();
  const reason = page.locator("#vote-reason");
  await reason.click();
  await page.keyboard.type("Not before lunch");
  await page.keyboard.press("Home");
  const waiting = page.locator("#nav a[href='/approvals'] .count");
  await expect(waiting).toHaveText(/^1/);
  await as("bea").promote("nginx", "prod");
  await expect(waiting).toHaveText(/^2/);
  await expect(reason).toBeFocused();
  await expect(reason).toHaveValue("Not before lunch");
  expect(await reason.evaluate((field) => field.selectionStart)).toBe(0);
  await expect(page.locator("details.abort")).toHaveAttribute("open", "");

  await test.step("and an ending that somebody else brought about is said", async () => {
    await as("olivia").reject(mine, "Too early");
    await expect(page.getByTestId("state")).toHaveText("Rejected");
    await expect(page.getByTestId("outcome")).toContainText("Too early");
    await expect(page.getByRole("status")).toContainText("CH-1: Rejected");
  });
});

test("nothing on the matrix moves while a release rolls out", async ({ page, context, portal, as }) => {
  await enter(context, portal.url, "viv");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto("/");
  await isLive(page);
  const cell = page.locator("#cell-api-prod");
  await countShifts(page);
  const seen = await page.evaluateHandle(() => {
    const [states, cell] = [[], document.querySelector("#cell-api-prod")];
    new MutationObserver(() => states.push(cell.dataset.state)).observe(cell, { attributeFilter: ["data-state"] });
    return states;
  });

  const change = await as("bea").promote("api", "prod");
  await expect(page.locator("#gap-api-prod")).toContainText("in approval");
  await as("olivia").approve(change);
  await as("viv").until(change, "succeeded");
  await expect(cell.getByRole("link", { name: "1.43.1", exact: true })).toBeVisible();
  await expect(cell).toHaveAttribute("data-state", "healthy");
  await expect(page.locator("#gap-api-prod")).toHaveText("In sync");
  await settled(page);
  expect(await seen.jsonValue(), "the cell was seen on its way").toEqual(["progressing", "healthy"]);
  expect(await page.evaluate(() => window.shifts), "layout shifts").toEqual([]);
});

test("layout shifts are seen when there are some", async ({ page, context, portal }) => {
  await enter(context, portal.url, "viv");
  await page.goto("/");
  await isLive(page);
  await countShifts(page);
  // The page looks again after its stream opens: what is kept stays through that, and is painted.
  await page.evaluate(() => {
    const moved = Object.assign(document.createElement("p"), { textContent: "moved" });
    Object.assign(moved.dataset, { key: "moved", keep: "1" });
    document.querySelector("#main").prepend(moved);
  });
  await settled(page);
  expect(await page.evaluate(() => window.shifts.length)).toBeGreaterThan(0);
});

test("a first visit takes fewer than twelve requests", async ({ page, context, portal }) => {
  await enter(context, portal.url, "bea");
  const asked = [];
  context.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.goto("/");
  await isLive(page);
  await expect.poll(() => asked.filter((path) => path === "/").length, "the page looks once more when its stream opens").toBeGreaterThan(1);
  await page.waitForLoadState("load");
  expect(asked.filter((path) => path.endsWith(".wasm"))).toHaveLength(1);
  expect(asked.length, asked.join(" ")).toBeLessThan(12);
});

test("a hidden tab asks for nothing, and catches up when it is shown", async ({ page, context, portal, as }) => {
  await enter(context, portal.url, "viv");
  await page.goto("/");
  await isLive(page);
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  const show = (shown) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, !shown);

  const streamEnds = page.waitForEvent("requestfailed", (request) => request.url().endsWith(EVENTS));
  await show(false);
  await streamEnds;
  // What was under way when it was hidden may still come in.
  await page.waitForLoadState("networkidle");
  asked.length = 0;
  const bea = as("bea");
  await bea.until(await bea.rollback("redis", "prod", "7.4.1"), "succeeded");
  expect(asked, "requests of the hidden tab").toEqual([]);
  const cell = page.locator("#cell-redis-prod");
  await expect(cell.getByRole("link", { name: "7.4.2", exact: true })).toBeVisible();

  await show(true);
  await expect(cell.getByRole("link", { name: "7.4.1", exact: true })).toBeVisible();
  expect(asked).toContain(EVENTS);
});

const kept = test.extend({
  /** A portal that keeps its data, so that it can be started again. */
  portal: async ({}, use) => {
    const data = mkdtempSync(join(tmpdir(), "devmatrix-live-"));
    const args = ["--demo", "--data-dir", data];
    let now = await startPortal({ name: "live lost", args });
    await use({
      url: now.url,
      stop: () => now.stop(),
      start: async () => {
        now = await startPortal({ name: "live found", args, port: new URL(now.url).port });
        await hasPast(now.url);
      },
    });
    await now.stop();
    rmSync(data, { recursive: true, force: true });
    expect(complaints(now), "errors in the portal's log").toEqual([]);
  },
});

kept("a lost portal is said, and found again without a reload", async ({ page, context, guard, portal, as }) => {
  await enter(context, portal.url, "bea");
  await page.goto("/");
  await isLive(page);
  const loaded = loads(page);
  guard.expect(/ERR_CONNECTION_REFUSED/);
  const refused = page.waitForEvent("requestfailed", (request) => request.url().endsWith(EVENTS) && request.failure().errorText === "net::ERR_CONNECTION_REFUSED");
  await portal.stop();
  const live = page.getByTestId("live");
  await expect(live).toHaveAttribute("data-live", "lost");
  await expect(live).toHaveText(/^Reconnecting, last update \d+ s ago$/);
  await expect(page.locator("#cell-api-prod"), "what is known stays").toContainText("1.42.3");
  await refused;

  await portal.start();
  const bea = as("bea");
  await bea.until(await bea.rollback("api", "prod", "1.42.2"), "succeeded");
  await expect(live).toHaveAttribute("data-live", "live", { timeout: 30_000 });
  await expect(page.locator("#cell-api-prod").getByRole("link", { name: "1.42.2", exact: true })).toBeVisible();
  expect(loaded, "pages that were loaded again").toEqual([]);
});
