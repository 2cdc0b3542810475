// A release train: several promotions, looked at and decided on together, one after another.
import { enter, expect, test } from "./support/test.mjs";

for (const script of [true, false]) {
  test.describe(script ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled: script });

    /** With JavaScript the page follows by itself; without it somebody reloads. */
    const ends = (page, state) =>
      script
        ? expect(page.getByTestId("state")).toHaveText(state, { timeout: 90_000 })
        : expect(async () => {
            await page.reload();
            await expect(page.getByTestId("state")).toHaveText(state, { timeout: 1 });
          }).toPass({ timeout: 90_000, intervals: [250] });

    test("three components go to production in the order of their dependencies", async ({ page, context, portal, as }) => {
      await enter(context, portal.url, "bea");
      await page.goto("/environments/prod");
      await page.getByRole("link", { name: "Promote several" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Promote several to Production East");
      await expect(page.getByRole("checkbox", { name: "API server" })).toBeChecked();
      await expect(page.getByRole("checkbox", { name: "Cache" })).not.toBeChecked();
      const turns = page.getByTestId("turns").getByRole("listitem").filter({ has: page.getByRole("heading", { level: 3 }) });

      await test.step("what is refused is said where it stands, and nothing can be asked for", async () => {
        await page.getByRole("checkbox", { name: "Cache" }).check();
        await page.getByRole("button", { name: "Show the plans" }).click();
        await expect(page.getByTestId("refused")).toHaveAttribute("data-code", "already_running");
        await expect(page.getByRole("button", { name: "Ask for approval" })).toHaveCount(0);
        await expect(page.getByText("Take out what is refused")).toBeVisible();
      });

      await page.getByRole("checkbox", { name: "Cache" }).uncheck();
      await page.getByRole("checkbox", { name: "Logs", exact: true }).uncheck();
      await page.getByRole("button", { name: "Show the plans" }).click();
      await expect(turns).toHaveCount(3);
      for (const [at, what] of ["Database", "API server", "Load balancer"].entries()) await expect(turns.nth(at)).toContainText(`Promote ${what}`);
      await page.getByLabel("Reason").fill("The November release");
      await page.getByRole("button", { name: "Ask for approval" }).click();
      await expect(page).toHaveURL(`${portal.url}/trains/TR-1`);
      await expect(page.getByTestId("state")).toHaveText("Awaiting approval");

      await test.step("one of it is decided on only with the others", async () => {
        const there = await context.newPage();
        await there.goto("/changes/CH-2");
        await expect(there.getByTestId("in-train")).toHaveText("2 of 3 in a train");
        await there.getByRole("link", { name: "Decide on the train" }).click();
        await expect(there.getByRole("heading", { level: 1 })).toHaveText("Promote 3 components to Production East");
        await enter(context, portal.url, "olivia");
        await there.goto("/changes/CH-2");
        await expect(there.getByTestId("glass-of-train")).toContainText("ask for this one alone, and break the glass there");
        await expect(there.getByRole("button", { name: "Break glass" })).toHaveCount(0);
        await there.close();
      });

      await test.step("an approver finds it, and approves all plans at once", async () => {
        await enter(context, portal.url, "olivia");
        await page.goto("/approvals");
        await page.getByRole("link", { name: /^Review all plans/ }).click();
        await page.getByRole("button", { name: "Approve all plans", exact: true }).click();
        await ends(page, "Succeeded");
      });
      for (const [component, tag] of [["postgres", "15.15"], ["api", "1.43.1"], ["nginx", "1.29.3"]]) expect((await as("viv").cell(component, "prod")).tag).toBe(tag);
      await expect(turns.filter({ hasText: "Succeeded" })).toHaveCount(3);
    });
  });
}

test("a rejection with a reason ends all of a train", async ({ page, context, portal, guard }) => {
  guard.expect(/400 \(Bad Request\)/);
  await enter(context, portal.url, "bea");
  await page.goto("/trains/new?environment=prod&component=api&component=nginx");
  await page.getByRole("button", { name: "Ask for approval" }).click();
  await enter(context, portal.url, "olivia");
  await page.goto("/trains/TR-1");
  await page.getByRole("button", { name: "Reject", exact: true }).click();
  await expect(page.getByTestId("tried")).toContainText("Not rejected.");
  await page.getByRole("textbox", { name: "Reason", exact: true }).fill("Not on a Friday");
  await page.getByRole("button", { name: "Reject", exact: true }).click();
  await expect(page.getByTestId("state")).toHaveText("Rejected");
  await expect(page.getByTestId("outcome")).toHaveText("Rejected. Rejected by olivia: Not on a Friday.");
});
