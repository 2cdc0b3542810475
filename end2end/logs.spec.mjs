// The logs of all pods of a component: followed through a rollout, paused, filtered, taken away; and all but following without JavaScript.
import { enter, expect, loads, test } from "./support/test.mjs";

const PROD = "/components/api/logs?environment=prod";
const lines = (page) => page.getByTestId("log").locator("p.ln-line");
const said = (page, kind) => page.getByTestId("log").locator(`p.ln-${kind}`);
const isFollowing = (page) => expect(page.getByTestId("follow")).toHaveAttribute("data-live", "live");
const lastMoment = (page) => lines(page).evaluateAll((all) => all.map((line) => line.dataset.at).sort().at(-1) ?? "");

/** From now on so many lines more. */
async function grows(page, by = 3) {
  const before = await lastMoment(page);
  const newer = () => lines(page).evaluateAll((all, since) => all.filter((line) => line.dataset.at > since).length, before);
  await expect.poll(newer).toBeGreaterThanOrEqual(by);
}

/** Pod, container, moment and text of each line: two the same would be one line shown twice. */
const doubled = (page) =>
  lines(page).evaluateAll((all) => {
    const keys = all.map((line) => `${line.querySelector(".who").title} ${line.dataset.at} ${line.textContent}`);
    return keys.filter((key, at) => keys.indexOf(key) !== at);
  });

test("a log is followed through a rollout: pods end, their successors join, nothing is doubled", async ({ page, context, portal, as }) => {
  await enter(context, portal.url, "viv");
  await page.goto("/components/api");
  await page.locator("section#prod").getByRole("link", { name: "Logs of API server in Production East" }).click();
  await expect(page).toHaveURL(portal.url + PROD);
  await expect(page).toHaveTitle(/^Logs of API server in Production East · /);
  await expect(page.getByRole("log")).toBeVisible();
  expect(await lines(page).count(), "the newest lines are there at once").toBeGreaterThanOrEqual(200);
  await isFollowing(page);
  const loaded = loads(page);
  await grows(page);

  const bea = as("bea");
  await bea.until(await bea.rollback("api", "prod", "1.42.2"), "succeeded");
  await expect(said(page, "joined")).toHaveCount(4);
  await expect(said(page, "ended")).toHaveCount(4);
  await expect(said(page, "ended").first()).toContainText("the pod has ended: it was deleted");
  await grows(page, 8);
  await isFollowing(page);
  expect(await doubled(page), "lines that are there twice").toEqual([]);
  expect(loaded, "pages that were loaded again").toEqual([]);
});

test("what is read stays where it is, and new lines wait below", async ({ page, context, portal }) => {
  await enter(context, portal.url, "viv");
  await page.goto(PROD);
  await isFollowing(page);
  const log = page.getByRole("log");
  const showsNewest = () =>
    lines(page).last().evaluate((line) => {
      const [own, box] = [line.getBoundingClientRect(), line.closest("[role=log]").getBoundingClientRect()];
      return own.bottom <= box.bottom + 1 && own.top >= box.top;
    });
  await grows(page);
  expect(await showsNewest(), "at its end the reader sees the newest line").toBe(true);

  await log.evaluate((box) => (box.scrollTop = -400));
  const button = page.getByRole("button", { name: /^\d+ new lines?$/ });
  const place = () =>
    log.evaluate((box) => {
      const { top, left } = box.getBoundingClientRect();
      return document.elementFromPoint(left + 60, top + 60)?.closest("p")?.dataset.at;
    });
  const read = await place();
  expect(read, "a line is under the eye").toBeTruthy();
  await expect(button).toBeVisible();
  await grows(page);
  expect(await place(), "the line under the eye").toBe(read);

  await button.click();
  await expect(button).toBeHidden();
  await grows(page);
  expect(await showsNewest()).toBe(true);
});

test("a paused log stays as it is, also when it is loaded again", async ({ page, context, portal }) => {
  await enter(context, portal.url, "viv");
  await page.goto(PROD);
  await isFollowing(page);
  await page.getByRole("button", { name: "Pause" }).click();
  const follow = page.getByTestId("follow");
  await expect(follow).toHaveText("Paused");
  await expect(page).toHaveURL(/[?&]follow=false/);
  const [count, moment] = [await lines(page).count(), await lastMoment(page)];
  await expect(page.getByRole("button", { name: /^\d+ new lines?$/ })).toBeVisible();
  expect([await lines(page).count(), await lastMoment(page)], "nothing was added").toEqual([count, moment]);

  await page.reload();
  await expect(follow).toHaveAttribute("data-live", "paused");
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page).not.toHaveURL(/follow=/);
  await expect(page).toHaveURL(/environment=prod/);
  await isFollowing(page);
  await grows(page);
  expect(await doubled(page), "lines that are there twice").toEqual([]);
});

test("a hidden tab asks for nothing, and catches up without a line lost or doubled", async ({ page, context, portal }) => {
  await enter(context, portal.url, "viv");
  await page.goto(PROD);
  await isFollowing(page);
  await grows(page);
  const show = (shown) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, !shown);
  const streamEnds = page.waitForEvent("requestfailed", (request) => request.url().includes("/logs?"));
  await show(false);
  await streamEnds;
  await page.waitForLoadState("networkidle");
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const hiddenAt = await lastMoment(page);
  // The cluster goes on writing: another reader sees it.
  const written = async () => {
    const { items } = await (await context.request.get(`${portal.url}/api/v1${PROD}`)).json();
    return items.filter((line) => line.at > hiddenAt).length;
  };
  await expect.poll(written).toBeGreaterThan(8);
  expect(asked, "requests of the hidden tab").toEqual([]);
  await show(true);
  await grows(page, 8);
  expect(await doubled(page), "lines that are there twice").toEqual([]);
  // A container writes once a second: since the page was hidden no second is missing.
  const gaps = await lines(page).evaluateAll((all, since) => {
    const seconds = new Map();
    for (const line of all.filter((one) => one.dataset.at > since)) {
      const pod = line.querySelector(".who").title;
      seconds.set(pod, [...(seconds.get(pod) ?? []), Math.floor(Date.parse(line.dataset.at) / 1000)]);
    }
    const before = (of) => of.sort((a, b) => a - b).filter((second, at) => at > 0 && second - of[at - 1] !== 1);
    return [...seconds.values()].flatMap(before);
  }, hiddenAt);
  expect(gaps, "seconds before which lines are missing").toEqual([]);
});

for (const script of [true, false]) {
  test.describe(script ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled: script });

    test("lines are filtered, and taken away as a file", async ({ page, context, portal }) => {
      await enter(context, portal.url, "viv");
      await page.goto(PROD);
      await expect(lines(page).last()).toBeInViewport();
      if (script) await isFollowing(page);
      else await expect(page.getByRole("button", { name: "Pause" })).toBeHidden();

      await test.step("by text, whatever its case", async () => {
        await page.getByLabel("Text in the line").fill("slow QUERY");
        await page.getByRole("button", { name: "Load again" }).click();
        await expect(page).toHaveURL(/contains=slow\+QUERY/);
        await expect(page.getByLabel("Text in the line")).toHaveValue("slow QUERY");
        await expect(lines(page).first()).toContainText("slow query");
        // Playwright evaluates in the page also where the page's own scripts are off.
        const texts = await lines(page).allTextContents();
        expect(texts.filter((text) => !text.includes("slow query"))).toEqual([]);
        await expect(page.getByTestId("log-foot")).toContainText(/lines without the text are hidden/);
      });

      await test.step("as text", async () => {
        const link = page.getByRole("link", { name: "Download as text" });
        const answer = await context.request.get(portal.url + (await link.getAttribute("href")));
        expect(answer.headers()["content-disposition"]).toBe('attachment; filename="api-prod.log"');
        const rows = (await answer.text()).trimEnd().split("\n");
        expect(rows.length).toBeGreaterThan(20);
        expect(rows.filter((row) => !/^\S+Z devmatrix-api-\S+ api WARN  slow query/.test(row))).toEqual([]);
      });

      await test.step("to nothing, and back", async () => {
        await page.getByLabel("Text in the line").fill("no such words");
        await page.getByRole("button", { name: "Load again" }).click();
        await expect(page.getByRole("heading", { name: "No line matches" })).toBeVisible();
        await page.getByRole("link", { name: "Clear filters" }).click();
        await expect(page).toHaveURL(portal.url + PROD);
        await expect(lines(page).last()).toBeInViewport();
      });

      await test.step("of another environment, and of the run before", async () => {
        await page.getByLabel("Environment").selectOption("staging");
        await page.getByLabel("Run before the present one").check();
        await page.getByRole("button", { name: "Load again" }).click();
        await expect(page.getByRole("heading", { level: 1 })).toHaveText("Logs of API server in Staging");
        await expect(page.getByRole("heading", { name: "No run before the present one" })).toBeVisible();
        await expect(page.getByTestId("follow")).toHaveCount(0);
      });
    });
  });
}

test("a container that crashes says why, in its log and among the Events", async ({ page, context, portal, as }) => {
  const bea = as("bea");
  await bea.until(await bea.rollback("api", "prod", "1.42.1-crash"), "failed");
  await enter(context, portal.url, "bea");
  await page.goto(`${PROD}&previous=true`);
  await expect(lines(page).filter({ hasText: "FATAL startup failed, exit code 1" }).first()).toBeVisible();
  await page.goto("/components/api");
  const events = page.getByTestId("events");
  const warning = events.locator("li[data-env=prod][data-reason=BackOff]").first();
  await expect(warning).toContainText("Back-off restarting failed container api");
  await expect(warning).toHaveClass(/degraded/);
  await expect(events.locator("li[data-reason=deployed]").first()).toContainText("1.42.1-crash deployed");
});
