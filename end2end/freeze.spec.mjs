// A freeze: set by a form, shown to everybody, what was approved waits; the glass is broken and reviewed; lifted, it goes on.
import { enter, expect, isLive, test } from "./support/test.mjs";

const place = "/environments/prod";
const WHY = "Production East is closed until the freeze is lifted because dmitri froze it: a migration.";

test("frozen, waited for, let through alone, reviewed and lifted", async ({ page, context, portal, as }) => {
  const waiting = await as("bea").promote("api", "prod");
  await enter(context, portal.url, "dmitri");
  await page.goto(place);
  await isLive(page);
  const panel = page.locator("#freezes");
  await panel.getByText("Freeze", { exact: true }).click();
  await panel.getByLabel("Reason", { exact: true }).fill("a migration");
  await panel.getByRole("button", { name: "Freeze now" }).click();
  await expect(page.getByTestId("closed")).toContainText(WHY);

  await test.step("home and buttons say it, and a vote lets nothing through", async () => {
    await page.goto("/");
    await expect(page.locator("[data-testid=closed][data-say]")).toContainText(WHY);
    await page.goto("/components/redis");
    await expect(page.locator("section#prod").getByRole("link", { name: /^Restart/ })).toHaveAttribute("aria-disabled", "true");
    await as("dmitri").approve(waiting);
    await page.goto(`/changes/${waiting.label}`);
    await expect(page.getByTestId("state")).toHaveText("Ready");
    await expect(page.locator("[data-step=check]")).toContainText("is closed until");
  });

  await test.step("an administrator breaks the glass, and somebody else reviews it", async () => {
    await enter(context, portal.url, "olivia");
    await page.goto(`/changes/${waiting.label}`);
    await page.getByText("It cannot wait", { exact: true }).click();
    await page.getByLabel("Why it cannot wait").fill("The site is down");
    await page.getByRole("button", { name: "Break glass" }).click();
    await expect(page.getByTestId("state")).toHaveText("Succeeded", { timeout: 60_000 });
    await enter(context, portal.url, "paul");
    await page.goto("/");
    await page.getByTestId("open-review").getByRole("link", { name: /^Write review/ }).click();
    await page.getByLabel("What was found").fill("It was right");
    await page.getByRole("button", { name: "Close the review" }).click();
    await expect(page.getByTestId("review")).toContainText("It was right");
  });

  await test.step("lifted, it is open again", async () => {
    await page.goto(place);
    await page.getByTestId("freeze").getByLabel("Why it may be lifted").fill("over");
    await page.getByRole("button", { name: /^Lift freeze/ }).click();
    await expect(page.getByTestId("closed")).toHaveCount(0);
    await expect(page.getByTestId("open-for")).toHaveText("open");
  });
});
