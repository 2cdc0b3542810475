// The other kinds of change: scale, restart, the undo of a StatefulSet, deploy; drift and what stands around a component.
import { createHash } from "node:crypto";
import { enter, expect, isLive, test } from "./support/test.mjs";

const succeeded = (page) => expect(page.getByTestId("state")).toHaveText("Succeeded", { timeout: 60_000 });

test("scaled from the component's page, with the way back on the change's page", async ({ page, context, portal, as }) => {
  await enter(context, portal.url, "bea");
  await page.goto("/components/redis");
  await isLive(page);
  const prod = page.locator("section#prod");
  await expect(prod.getByLabel("Replicas of Cache in Production East")).toHaveValue("1");
  await prod.getByLabel("Replicas of Cache in Production East").fill("0");
  await prod.getByRole("button", { name: "Scale Cache in Production East" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Scale Cache in Production East, 1 to 0");
  await expect(page.getByText("Nothing will serve")).toBeVisible();
  await expect(page.locator("table.diff tr.add").filter({ hasText: "replicas: 0" })).toHaveCount(1);
  await page.getByLabel("Reason").fill("Maintenance");
  await page.getByRole("button", { name: "Ask for approval" }).click();
  await expect(page).toHaveURL(`${portal.url}/changes/CH-1`);
  await as("olivia").approve(await as("bea").change("CH-1"));
  await succeeded(page);
  await expect(page.getByRole("link", { name: "Undo" })).toHaveAttribute("href", "#roll-back");
  await expect(page.locator("#roll-back")).toHaveCount(1);
  expect((await as("viv").cell("redis", "prod")).drift).toEqual([{ field: "replicas", declared: "1", observed: "0" }]);

  await test.step("the drift is on the environment's page", async () => {
    const there = await context.newPage();
    await there.goto("/environments/prod");
    await expect(there.getByTestId("environment-components").getByRole("row").filter({ hasText: "Cache" })).toContainText("replicas: declared 1, observed 0");
    await there.close();
  });

  await test.step("and back", async () => {
    await page.getByRole("link", { name: "Scale back to 1 replica" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Scale Cache in Production East, 0 to 1");
    await page.getByRole("button", { name: "Ask for approval" }).click();
    await expect(page).toHaveURL(`${portal.url}/changes/CH-2`);
    await as("olivia").approve(await as("bea").change("CH-2"));
    await succeeded(page);
    expect((await as("viv").cell("redis", "prod")).drift).toEqual([]);
  });
});

test("an autoscaler gets other bounds by a change, and the way back is offered", async ({ page, context, portal, as }) => {
  await enter(context, portal.url, "bea");
  await page.goto("/components/api");
  const prod = page.locator("section#prod");
  await prod.getByLabel(/^Least replicas/).fill("5");
  await prod.getByLabel(/^Most replicas/).fill("12");
  await prod.getByRole("button", { name: /^Autoscale/ }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Autoscale API server in Production East, 3 to 10 becomes 5 to 12");
  await page.getByLabel("Reason").fill("Christmas");
  await page.getByRole("button", { name: "Ask for approval" }).click();
  await expect(page).toHaveURL(`${portal.url}/changes/CH-1`);
  await as("olivia").approve(await as("bea").change("CH-1"));
  await succeeded(page);
  expect((await as("viv").cell("api", "prod")).ready).toBe(5);
  await page.getByRole("link", { name: "Back to 3 to 10 replicas" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Autoscale API server in Production East, 5 to 12 becomes 3 to 10");
});

test("what an autoscaler owns has no scale, and says who owns it", async ({ page, context, portal }) => {
  await enter(context, portal.url, "bea");
  await page.goto("/components/api");
  await expect(page.locator("section#prod").getByRole("button", { name: /^Scale/ })).toHaveCount(0);
  await expect(page.locator("section#staging").getByRole("button", { name: /^Scale/ })).toHaveCount(1);
  const around = page.locator("[data-testid=around][data-env=prod]");
  await expect(around).toContainText("devmatrix-api: 4 now, 4 wanted, between 3 and 10");
  await expect(around).toContainText("from nginx, on 8000/TCP");
  await expect(around).toContainText("devmatrix-secrets (name only: never read)");
  await expect(around).toContainText("devmatrix-config (6 keys)");
  await page.goto("/changes/new?kind=scale&component=api&environment=prod&replicas=6");
  await expect(page.getByTestId("refused")).toHaveAttribute("data-code", "scaled_by_autoscaler");
});

for (const script of [true, false]) {
  test.describe(script ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled: script });

    /** With JavaScript the page follows by itself; without it somebody reloads. */
    const ends = (page) =>
      script
        ? succeeded(page)
        : expect(async () => {
            await page.reload();
            await expect(page.getByTestId("state")).toHaveText("Succeeded", { timeout: 1 });
          }).toPass({ timeout: 60_000, intervals: [250] });

    test("a StatefulSet is restarted, then taken back to an earlier revision", async ({ page, context, portal, as }) => {
      await enter(context, portal.url, "bea");
      await page.goto("/components/postgres");
      const prod = page.locator("section#prod");
      await expect(prod).toContainText("15.14");
      await prod.getByRole("link", { name: "Restart Database in Production East" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Restart Database in Production East");
      await page.getByRole("button", { name: "Ask for approval" }).click();
      await expect(page).toHaveURL(`${portal.url}/changes/CH-1`);
      await as("olivia").approve(await as("bea").change("CH-1"));
      await ends(page);
      // A restart that went well runs what ran before: there is nothing to go back to, and no way that leads nowhere.
      await expect(page.locator("#roll-back, a[href='#roll-back']")).toHaveCount(0);
      await page.goto("/components/postgres");
      const rows = page.getByTestId("deployments").locator("tr[data-env=prod]");
      await expect(rows.first()).toContainText("Succeeded");
      await expect(rows.first()).toContainText("current");
      const earlier = rows.filter({ hasNot: page.getByRole("rowheader", { name: /15\.14/ }) }).first();
      const version = (await earlier.getByRole("rowheader").textContent()).trim();
      await earlier.getByRole("link", { name: /^Roll back/ }).click();
      await page.getByRole("button", { name: `Roll back to ${version}` }).click();
      await expect(page).toHaveURL(`${portal.url}/changes/CH-2`);
      await ends(page);
      await page.goto("/components/postgres");
      await expect(page.locator("section#prod")).toContainText(version);
      await expect(page.locator("section#prod")).toHaveAttribute("data-state", "healthy");
      await expect(page.getByTestId("hold")).toContainText("15.14 in Production East");
    });
  });
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a Job is run from the environment's page, and followed to its end", async ({ page, context, portal, as }) => {
      await enter(context, portal.url, "bea");
      await page.goto("/environments/prod");
      await page.getByTestId("h-jobs").getByRole("link", { name: /^Run now.* devmatrix-backup in Production East$/ }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Run devmatrix-backup in Production East");
      await expect(page.locator("table.diff tr.add").filter({ hasText: "kind: Job" })).toHaveCount(1);
      await expect(page.getByRole("link", { name: "Cancel" })).toHaveAttribute("href", "/environments/prod#h-jobs");
      await page.getByLabel("Reason").fill("Before the migration");
      await page.getByRole("button", { name: "Ask for approval" }).click();
      await expect(page).toHaveURL(`${portal.url}/changes/CH-1`);
      await as("olivia").approve(await as("bea").change("CH-1"));
      if (javaScriptEnabled) await succeeded(page);
      else await expect(async () => {
        await page.reload();
        await expect(page.getByTestId("state")).toHaveText("Succeeded", { timeout: 1000 });
      }).toPass({ timeout: 60_000 });
      await expect(page.getByTestId("job")).toContainText("1 of 1 pod");
      await expect(page.getByTestId("outcome")).toContainText("Its Job has completed");
      await expect(page.getByRole("link", { name: "Run it again" })).toHaveAttribute("href", /kind=run_job/);
      await page.getByRole("link", { name: "All Jobs here" }).click();
      const ran = page.getByTestId("h-jobs").getByRole("row").filter({ has: page.getByRole("link", { name: /^Its change/ }) });
      await expect(ran).toHaveCount(1);
      await expect(ran).toContainText("Complete");
      await page.goto("/changes?component=cronjob/devmatrix-backup");
      await expect(page.getByLabel("Component")).toHaveValue("cronjob/devmatrix-backup");
      await expect(page.getByTestId("changes").getByRole("row").filter({ hasText: "CH-1" })).toHaveCount(1);
    });
  });
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("an image is deployed by its digest, where releases begin", async ({ page, context, portal, as }) => {
      const tagged = "registry.devmatrix.example/devmatrix/api:1.43.2";
      // As the registry of the demo has it.
      const digest = `sha256:${createHash("sha256").update(tagged).digest("hex")}`;
      const heading = page.getByRole("heading", { level: 1 });
      const form = page.getByTestId("which-image");
      const noted = page.locator("table.diff tr.add").filter({ hasText: "devmatrix.io/author: bea, ben" });
      const [image, authors] = ["Image", "Authors"].map((label) => form.getByLabel(label, { exact: true }));
      await enter(context, portal.url, "bea");
      await page.goto("/components/api");
      for (const promoted of ["prod", "prod-central"]) {
        await expect(page.locator(`section#${promoted}`).getByRole("link", { name: /^Restart/ })).toHaveCount(1);
        await expect(page.locator(`section#${promoted}`).getByRole("link", { name: /^Deploy/ })).toHaveCount(0);
      }
      await page.locator("section#staging").getByRole("link", { name: "Deploy API server in Staging" }).click();
      await expect(heading).toHaveText("Deploy API server in Staging");
      await expect(page.getByRole("heading", { name: "Which image" })).toBeVisible();
      await expect(form.locator("[aria-invalid]")).toHaveCount(0);

      await test.step("a tag alone is not enough, and what was written stays", async () => {
        await image.fill(tagged);
        await authors.fill("bea, ben");
        await form.getByRole("button", { name: "Plan it" }).click();
        await expect(image).toHaveAttribute("aria-invalid", "true");
        await expect(image).toHaveAccessibleDescription(/`registry\.devmatrix\.example\/devmatrix\/api:1\.43\.2` names no digest/);
        await expect(image).toHaveValue(tagged);
        await expect(authors).toHaveValue("bea, ben");
        await expect(authors).not.toHaveAttribute("aria-invalid");
      });

      await test.step("with its digest it is planned, asked for and rolled out", async () => {
        await image.fill(`${tagged}@${digest}`);
        await form.getByRole("button", { name: "Plan it" }).click();
        await expect(heading).toHaveText("Deploy API server 1.43.2 to Staging");
        await expect(noted).toHaveCount(1);
        await page.getByLabel("Reason").fill("The new search");
        await page.getByRole("button", { name: "Deploy to Staging" }).click();
        await expect(page).toHaveURL(`${portal.url}/changes/CH-1`);
        await as("bea").until({ label: "CH-1" }, "succeeded");
        await expect(noted, "and they were asked for too").toHaveCount(1);
        await page.goto("/components/api");
        await expect(page.locator("section#staging")).toContainText("1.43.2");
        await expect(page.locator("section#staging").getByTitle(digest)).toBeVisible();
      });
    });
  });
}

test("an environment lists what else is there", async ({ page, context, portal }) => {
  await enter(context, portal.url, "viv");
  await page.goto("/environments/prod");
  await expect(page.getByTestId("h-jobs").getByRole("row").filter({ hasText: "CronJob" })).toContainText("0 2 * * *");
  await expect(page.getByTestId("h-net").getByRole("row").filter({ hasText: "Ingress" })).toContainText("service devmatrix-api:8000");
  await expect(page.getByTestId("h-hpa")).toContainText("Deployment/devmatrix-api");
  await expect(page.getByTestId("h-store").getByRole("row").filter({ hasText: "devmatrix-config" })).toContainText("deployment/devmatrix-api");
  await expect(page.getByTestId("h-store").getByRole("row").filter({ hasText: "backup-pvc" })).toContainText("cronjob/devmatrix-backup");
  await expect(page.getByTestId("h-nodes").getByRole("row").filter({ hasText: "Ready" }).first()).toBeVisible();
});
