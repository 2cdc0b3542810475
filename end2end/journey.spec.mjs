// What the portal is for: a release goes to production through another person's approval, and comes back.
import { expect, isLive, loads, signIn, signOut, test } from "./support/test.mjs";

for (const script of [true, false]) {
  test.describe(script ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled: script });

    /** With JavaScript the page follows by itself; without it somebody reloads. */
    const follows = (page, check) =>
      script
        ? check({ timeout: 60_000 })
        : expect(async () => {
            await page.reload();
            await check({ timeout: 1 });
          }).toPass({ timeout: 60_000, intervals: [250] });

    test("promote, approve, watch, roll back, lift the hold", async ({ page, context, portal, as }) => {
      const home = await context.newPage();
      const cell = (on) => on.locator("#cell-api-prod");
      const runs = (on, version, options) => expect(cell(on).getByRole("link", { name: version, exact: true })).toBeVisible(options);

      await test.step("Bea signs in and sees what runs where", async () => {
        await page.goto("/");
        await expect(page).toHaveURL(`${portal.url}/sign-in`);
        await signIn(page, "Bea");
        await expect(page).toHaveURL(`${portal.url}/`);
        await runs(page, "1.42.3");
        await expect(cell(page)).toHaveAttribute("data-state", "healthy");
        await expect(page.locator("#gap-api-prod")).toContainText("2 behind, 3 days");
        await expect(page.locator("#gap-redis-prod")).toHaveText("In sync");
        await expect(page.getByText("Demo cluster", { exact: true })).toBeVisible();
      });

      await test.step("Bea asks for the promotion and may not approve it", async () => {
        await page.locator("#gap-api-prod").getByRole("link", { name: "Promote API server to Production East" }).click();
        await expect(page.getByRole("heading", { level: 1 })).toContainText("1.43.1");
        await expect(page.locator("table.diff tr.del").filter({ hasText: "image:" })).toContainText("api:1.42.3");
        await expect(page.locator("table.diff tr.add").filter({ hasText: "image:" })).toContainText("api:1.43.1@sha256:");
        await page.getByLabel("Reason").fill("Wanted by the journey");
        await page.getByRole("button", { name: "Ask for approval" }).click();
        await expect(page).toHaveURL(`${portal.url}/changes/CH-1`);
        await expect(page.getByTestId("state")).toHaveText("Awaiting approval");
        await expect(page).toHaveTitle(/^Awaiting approval · /);
        const approve = page.getByRole("button", { name: /^Approve\b/ });
        await expect(approve).toHaveCount(2);
        for (const button of await approve.all()) await expect(button).toHaveAttribute("aria-disabled", "true");
        await expect(page.getByText("bea may not decide on changes: that needs the role approver.").first()).toBeVisible();
        await expect(page.getByTestId("approvers")).toContainText("Dmitri");
        await expect(page.getByTestId("approvers").locator("[data-person]")).toHaveCount(2);
        await page.locator(".actions.in-reach").getByRole("link", { name: "Abort" }).click();
        await expect(page.getByText("Nothing has been written yet, and nothing will be.")).toBeVisible();
        await signOut(page);
      });

      const loaded = { change: [], home: [] };
      await test.step("Dmitri is asked, and approves", async () => {
        await signIn(page, "Dmitri");
        await home.goto("/");
        if (script) {
          await isLive(home);
          loaded.home = loads(home);
        }
        await runs(home, "1.42.3");
        await page.getByRole("link", { name: "1 approval waits for your vote" }).click();
        const asked = page.getByTestId("approval");
        await expect(asked).toHaveCount(1);
        await expect(asked).toContainText("Wanted by the journey");
        await asked.getByRole("button", { name: /^Approve / }).click();
        await expect(page).toHaveURL(`${portal.url}/changes/CH-1`);
        loaded.change = loads(page);
      });

      await test.step("both pages follow it to its end", async () => {
        await follows(page, (options) => expect(page.getByTestId("state")).toHaveText("Succeeded", options));
        await expect(page).toHaveTitle(/^Succeeded · /);
        await expect(page.getByTestId("votes")).toHaveText("1 of 1 vote");
        for (const step of ["plan", "approval", "check", "write", "rollout"]) {
          await expect(page.locator(`[data-step=${step}]`)).toHaveAttribute("data-state", "done");
        }
        const story = page.getByTestId("story");
        await story.locator("summary").click();
        await expect(story.locator("li[data-what=decided]").filter({ hasText: "write it, if it still has resourceVersion" })).toBeVisible();
        await expect(story.locator("li[data-what=answered]").filter({ hasText: "done: generation" })).toBeVisible();
        await expect(page.getByTestId("approvers")).toHaveCount(0);
        await expect(page.locator("[data-figure=updated]")).toHaveText("4");
        await follows(home, (options) => runs(home, "1.43.1", options));
        await follows(home, (options) => expect(cell(home)).toHaveAttribute("data-state", "healthy", options));
        if (script) expect(loaded, "pages that were loaded again").toEqual({ change: [], home: [] });
        const [staging, prod] = await Promise.all(["staging", "prod"].map((environment) => as("viv").cell("api", environment)));
        expect(prod.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
        expect(prod.digest, "prod runs the digest of staging").toBe(staging.digest);
      });

      await test.step("Dmitri rolls it back", async () => {
        const form = page.locator("#roll-back");
        await expect(form.locator("option:checked")).toContainText("1.42.3");
        await form.getByRole("button", { name: "Roll back to 1.42.3" }).click();
        await expect(page.getByRole("heading", { level: 1 })).toContainText("1.42.3");
        await page.getByLabel("Reason").fill("Slower than before");
        await page.getByRole("button", { name: "Roll back to 1.42.3" }).click();
        await expect(page).toHaveURL(`${portal.url}/changes/CH-2`);
        await follows(page, (options) => expect(page.getByTestId("state")).toHaveText("Succeeded", options));
        await follows(home, (options) => runs(home, "1.42.3", options));
        await follows(home, (options) => expect(page.locator("[data-step=rollout]")).toHaveAttribute("data-state", "done", options));
      });

      await test.step("1.43.1 is on hold there until somebody lifts that", async () => {
        await follows(home, (options) => expect(home.locator("#gap-api-prod")).toHaveText("2 behind, on hold", options));
        await expect(home.locator("#gap-api-prod").getByRole("link", { name: /^Promote/ })).toHaveCount(0);
        await page.goto("/changes/new?kind=promote&component=api&environment=prod&from=staging");
        await expect(page.getByTestId("refused")).toHaveAttribute("data-code", "release_on_hold");
        await expect(page.getByRole("button", { name: "Ask for approval" })).toHaveCount(0);
        await home.locator("#gap-api-prod").getByRole("link").click();
        const hold = home.getByTestId("hold");
        await expect(hold).toContainText("1.43.1 in Production East");
        await hold.getByLabel("Why 1.43.1 may be deployed again").fill("It was the network");
        await hold.getByRole("button", { name: "Lift hold on 1.43.1 in Production East" }).click();
        await expect(home).toHaveURL(`${portal.url}/components/api`);
        await expect(home.getByTestId("hold")).toHaveCount(0);
        await expect(home.locator("#prod").getByRole("link", { name: "Promote API server to Production East" })).toBeVisible();
      });

      await test.step("the record names both changes", async () => {
        const row = (change) => home.getByTestId("deployments").locator("tr[data-env=prod]").filter({ hasText: new RegExp(`${change}\\b`) });
        await expect(row("CH-1")).toContainText("1.43.1");
        await expect(row("CH-1")).toContainText("Succeeded");
        await expect(row("CH-2")).toContainText("1.42.3");
        await expect(row("CH-2")).toContainText("current");
      });
    });
  });
}
