// A rollback that brings the configuration of its revision back: offered where it changed since, planned key by key, written before the
// workload, and said at its end.
import { configMap, editConfigMap } from "./support/kubernetes.mjs";
import { enter, expect, test } from "./support/test.mjs";

const PLACE = ["prod-eks", "devmatrix", "devmatrix-config"];

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a rollback brings the ConfigMap of its revision back when that is asked for", async ({ page, context, portal, as }) => {
      const then = await configMap(portal, ...PLACE);
      const promoted = await as("bea").promote("api", "prod", "The release that needs more words in its log");
      await as("olivia").approve(promoted);
      await as("bea").until(promoted, "succeeded");
      await editConfigMap(portal, ...PLACE, { LOG_LEVEL: "DEBUG", SINCE: "1.43", REDIS_URL: null });

      await enter(context, portal.url, "bea");
      await page.goto(`/changes/${promoted.label}`);
      await page.locator("#roll-back").getByRole("button", { name: "Roll back to 1.42.3" }).click();
      const choice = page.getByTestId("configuration");
      await expect(choice).toContainText("leaves it as it is now");
      await expect(page.getByTestId("config-diff")).toHaveCount(0);
      await choice.getByLabel("Also bring back its configuration").check();
      await choice.getByRole("button", { name: "Plan it again" }).click();
      await expect(choice).toContainText("This plan brings it back");
      const diff = page.getByTestId("config-diff");
      await expect(diff).toHaveCount(1);
      for (const [kind, text] of [["del", "LOG_LEVEL: DEBUG"], ["add", "LOG_LEVEL: INFO"], ["del", "SINCE: 1.43"], ["add", "REDIS_URL: redis://redis:6379"]]) {
        await expect(diff.locator(`tr.${kind}`).filter({ hasText: text }), `${kind} ${text}`).toHaveCount(1);
      }
      expect(await configMap(portal, ...PLACE), "a plan writes nothing").toEqual({ ...then, LOG_LEVEL: "DEBUG", SINCE: "1.43", REDIS_URL: undefined });

      await page.getByLabel("Reason").fill("It logs secrets");
      await page.getByRole("button", { name: "Roll back to 1.42.3" }).click();
      await expect(page).toHaveURL(`${portal.url}/changes/CH-2`);
      await as("bea").until(await as("bea").change("CH-2"), "succeeded");
      if (!javaScriptEnabled) await page.reload();
      await expect(page.getByTestId("state")).toHaveText("Succeeded");
      await expect(page.locator("[data-step=write]")).toContainText("Restored ConfigMap devmatrix-config");
      expect(await configMap(portal, ...PLACE)).toEqual(then);
      expect((await as("viv").cell("api", "prod")).tag).toBe("1.42.3");
    });
  });
}
