// A rollout that cannot succeed: it ends at once with the pod's own words, and the way back is on the same page.
import { enter, expect, isLive, loads, test } from "./support/test.mjs";

const CASES = [
  { component: "api", bad: "1.42.1-crash", good: "1.42.3", reason: "CrashLoopBackOff", says: /back-off \d+s restarting failed container=api/i },
  { component: "nginx", bad: "1.29.2-nopull", good: "1.29.1", reason: "ImagePullBackOff", says: /back-off pulling image .*1\.29\.2-nopull/i },
];

for (const { component, bad, good, reason, says } of CASES) {
  test(`${component} ${bad} ends failed with ${reason}, and is rolled back from there`, async ({ page, context, portal, as }) => {
    await enter(context, portal.url, "bea");
    const cell = () => as("bea").cell(component, "prod");

    await test.step("ask for the revision that fails", async () => {
      await page.goto(`/components/${component}`);
      const row = page.getByTestId("deployments").locator("tr[data-env=prod]").filter({ has: page.getByRole("rowheader", { name: bad }) });
      await row.first().getByRole("link", { name: /^Roll back/ }).click();
      await page.getByLabel("Reason").fill("To see it fail");
      await page.getByRole("button", { name: `Roll back to ${bad}` }).click();
      await expect(page).toHaveURL(`${portal.url}/changes/CH-1`);
    });

    await test.step("the page ends as failed by itself, with the pod's words", async () => {
      const loaded = loads(page);
      await expect(page.getByTestId("state")).toHaveText("Failed", { timeout: 60_000 });
      await isLive(page);
      expect(loaded, "pages that were loaded again").toEqual([]);
      await expect(page).toHaveTitle(/^Failed · /);
      await expect(page.getByTestId("outcome")).toContainText(reason);
      const { outcome } = await as("bea").change("CH-1");
      expect(outcome.failing_pod.reason).toBe(reason);
      expect(outcome.failing_pod.message).toMatch(says);
      await expect(page.getByTestId("pod-said")).toContainText(outcome.failing_pod.message);
      await expect(page.getByRole("region", { name: "What the pod says" })).toContainText(outcome.failing_pod.pod);
      await expect(page.locator("[data-step=rollout]")).toHaveAttribute("data-state", "failed");
    });

    await test.step("nothing looks healthy, and the old pods serve", async () => {
      const now = await cell();
      expect(now.state).toBe("degraded");
      expect(now.ready).toBeGreaterThan(0);
      const home = await context.newPage();
      await home.goto("/");
      await expect(home.locator(`#cell-${component}-prod`)).toHaveAttribute("data-state", "degraded");
      await expect(home.getByRole("link", { name: /failed$/ })).toHaveAttribute("href", "/changes/CH-1");
      await home.close();
    });

    await test.step("the way back is offered, with the reason", async () => {
      const form = page.locator("#roll-back");
      await expect(form.getByLabel("Reason")).toHaveValue(reason);
      await expect(page.getByRole("link", { name: "Roll back", exact: true })).toHaveAttribute("href", "#roll-back");
      await form.getByRole("button", { name: `Roll back to ${good}` }).click();
      await page.getByRole("button", { name: `Roll back to ${good}` }).click();
      await expect(page).toHaveURL(`${portal.url}/changes/CH-2`);
      await expect(page.getByTestId("state")).toHaveText("Succeeded", { timeout: 60_000 });
    });

    await test.step("it is healthy again, and the bad release on hold", async () => {
      await page.goto("/");
      await expect(page.locator(`#cell-${component}-prod`)).toHaveAttribute("data-state", "healthy");
      await expect(page.locator(`#cell-${component}-prod`).getByRole("link", { name: good, exact: true })).toBeVisible();
      await page.goto(`/components/${component}`);
      await expect(page.getByTestId("hold").filter({ hasText: `${bad} in Production East` })).toHaveCount(1);
    });
  });
}
