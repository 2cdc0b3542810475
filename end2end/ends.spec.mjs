// The ends that nobody waits for: stuck, expired and errored, and the way on from each; and a closed environment on a change's page.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasPast } from "./support/api.mjs";
import { expire, lose, slow, slowNoMore, stick } from "./support/ends.mjs";
import { startPortal } from "./support/portal.mjs";
import { complaints, enter, expect, test as base } from "./support/test.mjs";

const test = base.extend({
  /** A portal that keeps its data, where an hour can be passed by. */
  portal: async ({}, use, info) => {
    const data = mkdtempSync(join(tmpdir(), "devmatrix-ends-"));
    const portal = await startPortal({ name: info.titlePath.slice(-2).join(" "), args: ["--demo", "--data-dir", data] });
    await hasPast(portal.url);
    await use(Object.assign(portal, { data }));
    await portal.stop();
    rmSync(data, { recursive: true, force: true });
    expect(complaints(portal), "errors in the portal's log").toEqual([]);
  },
});

test("what is stuck waits on everybody's home until another change has succeeded there", async ({ page, context, portal, as }) => {
  const bea = as("bea");
  await slow(portal, "prod-eks", "qdrant");
  const stuck = await stick(portal.data, bea, await bea.rollback("qdrant", "prod", "1.15.4", "The index is broken"));
  await slowNoMore(portal, "prod-eks", "qdrant");
  const decide = page.getByRole("link", { name: `Decide on ${stuck.label}` });

  await test.step("its page says why, and has the way back", async () => {
    await enter(context, portal.url, "bea");
    await page.goto(`/changes/${stuck.label}`);
    await expect(page.getByTestId("state")).toHaveText("Stuck");
    await expect(page.getByTestId("outcome")).toContainText(/^Stuck\. No end after 2 h: 1 old pod is still ending\. It needs a person/);
    await expect(page.getByRole("link", { name: "Roll back", exact: true })).toHaveAttribute("href", "#roll-back");
    await expect(page.locator("#roll-back").getByRole("button", { name: "Roll back to 1.16.0" })).toBeVisible();
  });

  await test.step("somebody else is told of it, also after a change there that came to nothing", async () => {
    const asked = await bea.restart("qdrant", "prod");
    await bea.good("POST", `/changes/${asked.label}/abort`, { reason: "Not this way" });
    await bea.until(asked, "aborted");
    await enter(context, portal.url, "viv");
    await page.goto("/");
    await expect(decide).toHaveAttribute("href", `/changes/${stuck.label}`);
    await expect(page.locator("section[data-key=h-needs]")).toContainText(`${stuck.label}, asked for by Bea · No end after 2 h`);
  });

  await test.step("rolled back from its page, it waits for nobody", async () => {
    await enter(context, portal.url, "bea");
    await page.goto(`/changes/${stuck.label}`);
    await page.locator("#roll-back").getByRole("button", { name: "Roll back to 1.16.0" }).click();
    await page.getByRole("button", { name: "Roll back to 1.16.0" }).click();
    await expect(page).toHaveURL(`${portal.url}/changes/CH-3`);
    await bea.until({ label: "CH-3" }, "succeeded");
    await enter(context, portal.url, "viv");
    await page.goto("/");
    await expect(page.getByTestId("nothing-waits")).toBeVisible();
    await expect(decide).toHaveCount(0);
  });
});

test("a plan that nobody decided on expires, and is planned again", async ({ page, context, portal, as }) => {
  const bea = as("bea");
  const expired = await expire(portal.data, bea, await bea.promote("api", "prod", "The new search"));
  await enter(context, portal.url, "bea");
  await page.goto(`/changes/${expired.label}`);
  await expect(page.getByTestId("outcome")).toContainText(/^Expired\. The plan expired before it was decided on\. Nothing was written\./);
  await page.locator(".actions.in-reach").getByRole("link", { name: "Plan again" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Promote API server 1.43.1 to Production East");
  await expect(page.getByRole("button", { name: "Ask for approval" })).toBeVisible();
});

test("a workload that is deleted while it rolls out ends its change as errored", async ({ page, context, portal, as }) => {
  const bea = as("bea");
  await slow(portal, "prod-eks", "qdrant");
  const errored = await bea.rollback("qdrant", "prod", "1.15.4", "The index is broken");
  const makeAnew = await lose(portal, "prod-eks", "qdrant", bea, errored);
  const again = page.locator(".actions.in-reach").getByRole("link", { name: "Plan again" });
  await enter(context, portal.url, "bea");
  await page.goto(`/changes/${errored.label}`);
  await expect(page.getByTestId("outcome")).toContainText(/^Errored\. The workload was deleted while it rolled out\. Nothing more is done/);
  await expect(page.locator("#roll-back")).toHaveCount(0);
  await again.click();
  await expect(page.getByTestId("refused")).toHaveAttribute("data-code", "workload_missing");
  await makeAnew();
  await page.goto("/");
  await expect(page.getByRole("link", { name: `Decide on ${errored.label}` })).toBeVisible();
});

test("a frozen environment is said on the pages of its changes", async ({ page, context, portal, as }) => {
  const [bea, dmitri] = [as("bea"), as("dmitri")];
  const rejected = await bea.promote("api", "prod");
  await dmitri.reject(rejected, "Too early");
  const waiting = await bea.promote("nginx", "prod");
  const again = page.locator(".actions.in-reach").getByText("Plan again");
  const gate = page.locator("[data-gate=open]");
  await enter(context, portal.url, "bea");

  await test.step("open: the link leads to the plan, and the gate passes", async () => {
    await page.goto(`/changes/${rejected.label}`);
    await expect(again).toHaveAttribute("href", /^\/changes\/new\?kind=promote&component=api&environment=prod&from=staging$/);
    await page.goto(`/changes/${waiting.label}`);
    await expect(gate).toContainText("Open for changes passed");
  });

  const freeze = await dmitri.good("POST", "/freezes", { environment: "prod", reason: "a migration" });
  const why = "Production East is closed until the freeze is lifted because dmitri froze it: a migration.";
  await test.step("frozen: the link says why it leads nowhere, and the gate does not pass", async () => {
    await page.goto(`/changes/${rejected.label}`);
    await expect(again).toHaveAttribute("aria-disabled", "true");
    await expect(again).toHaveAttribute("title", why);
    await expect(again).not.toHaveAttribute("href");
    await page.goto(`/changes/${waiting.label}`);
    await expect(gate).toContainText("Closed for changes not passed");
    await expect(gate).toContainText(why);
    await expect(page.locator("section[data-key=h-gates]")).toContainText("1 does not pass");
  });

  await test.step("what has ended keeps the gates of its plan", async () => {
    await page.goto(`/changes/${rejected.label}`);
    await expect(page.locator("section[data-key=h-gates]")).toContainText("when it was planned");
    await expect(gate).toContainText("Open for changes passed");
  });

  await test.step("lifted: both are as before", async () => {
    await dmitri.good("DELETE", `/freezes/${freeze.id}`, { reason: "over" });
    await page.goto(`/changes/${waiting.label}`);
    await expect(gate).toContainText("Open for changes passed");
    await page.goto(`/changes/${rejected.label}`);
    await expect(again).toHaveAttribute("href", /kind=promote/);
  });
});
