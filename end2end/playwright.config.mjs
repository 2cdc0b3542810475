// The journeys in Chromium. `scripts/e2e` runs them; each test starts a portal of its own on simulated clusters.
import { defineConfig } from "@playwright/test";
import { LAUNCH, RESULTS } from "./support/places.mjs";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.mjs",
  outputDir: `${RESULTS}/tests`,
  // Two cores: a browser and a portal each is what they carry.
  workers: 2,
  fullyParallel: true,
  forbidOnly: true,
  retries: 0,
  // A rollout takes seconds, a journey has four.
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [["list"], ["./support/summary.mjs"]],
  use: {
    browserName: "chromium",
    launchOptions: LAUNCH,
    viewport: { width: 1280, height: 800 },
    screenshot: "only-on-failure",
    actionTimeout: 15_000,
    navigationTimeout: 20_000,
  },
});
