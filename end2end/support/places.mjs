// Where everything is, and how Chromium is started.
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const RESULTS = join(ROOT, "end2end/results");
export const SITE = process.env.LEPTOS_SITE_ROOT || join(ROOT, "target/site");
mkdirSync(RESULTS, { recursive: true });

/** The binary that is named, else the release build, else the debug build. */
export function binary() {
  if (process.env.DEVMATRIX_BIN) return resolve(process.env.DEVMATRIX_BIN);
  const built = ["release", "debug"].map((profile) => join(ROOT, "target", profile, "devmatrix"));
  const found = built.find((path) => existsSync(path));
  if (!found) throw new Error(`there is no portal to test: run \`make build\` (looked for ${built.join(" and ")})`);
  return found;
}

/** Quiet and alone: nothing that the browser does by itself goes over the network. */
export const LAUNCH = {
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};
